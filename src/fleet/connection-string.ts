/** Connection strings as libpq reads them, for the npm package pg: it knows URLs only. */
import { ConnectorError } from '../common/errors';

export interface ServerLogin {
  readonly connectionString?: string;
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  readonly password?: string;
  readonly ssl?: boolean | { readonly rejectUnauthorized: boolean };
}

const KEYS: Readonly<Record<string, keyof ServerLogin>> = {
  host: 'host',
  hostaddr: 'host',
  port: 'port',
  dbname: 'database',
  user: 'user',
  password: 'password',
};
/** `key = 'a value'`, in which a backslash escapes; see "Keyword/Value Connection Strings" of PostgreSQL's manual. */
const PAIR = /\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?:\s+|$)/sy;

/** What is missing comes from PGHOST, PGPASSWORD and the like, or from ~/.pgpass, as with every program of PostgreSQL. */
export function loginOf(text: string): ServerLogin {
  if (/^\s*postgres(ql)?:/i.test(text)) return { connectionString: text.trim() };
  const login: Record<string, string> = {};
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < text.length) {
    const found = PAIR.exec(text);
    if (found === null) throw unreadable();
    const [, key = '', quoted, plain = ''] = found;
    login[key.toLowerCase()] = (quoted ?? plain).replaceAll(/\\(.)/gs, '$1');
  }
  const known = Object.entries(login).flatMap(([key, value]) => {
    const name = KEYS[key];
    return name === undefined ? [] : [[name, name === 'port' ? Number(value) : value] as const];
  });
  const { sslmode } = login;
  return { ...Object.fromEntries(known), ...(sslmode === undefined ? {} : { ssl: tlsOf(sslmode) }) };
}

/** pg knows whether to encrypt and whether to check the server, not the steps between. */
function tlsOf(sslmode: string): boolean | { readonly rejectUnauthorized: boolean } {
  if (['disable', 'allow', 'prefer'].includes(sslmode)) return false;
  return { rejectUnauthorized: sslmode.startsWith('verify') };
}

/** Without a part of the text, which may hold a password. */
function unreadable(): ConnectorError {
  return new ConnectorError("The connection string of the fleet's queue cannot be read.", {
    code: 'fleet_queue',
    kind: 'configuration',
    hint: 'Write "fleet_queue" (or "lake_catalog") as a URL, postgresql://USER@HOST/DATABASE, or as host=… dbname=….',
  });
}
