import { ConnectorError } from '../../common/errors';
import type { DataSource } from './data-source';

/** The settings that a connection needs; structurally a part of the settings. */
export interface ConnectionTarget {
  readonly dsn: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly database: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly sslmode: string | undefined;
  readonly sslrootcert: string | undefined;
  readonly sslcert: string | undefined;
  readonly sslkey: string | undefined;
  readonly connectTimeoutSeconds: number;
}

/**
 * psqlODBC takes SERVER, PORT, DATABASE and UID literally: braces become part of the name and a `;` ends it. PWD and
 * pqopt are the two keywords whose `{…}` it decodes. So everything but the password goes through pqopt, in libpq's own
 * quoting, which can express any name.
 *
 * `source` has the data source's own keywords. Our pqopt replaces its whole pqopt, so that one is repeated in ours: the
 * user's options come before it, and our defaults after it.
 */
export function buildConnectionString(
  driver: string | undefined,
  target: ConnectionTarget,
  source: DataSource = new Map(),
): string {
  const parts: string[] = [];
  if (target.dsn !== undefined) parts.push(`DSN=${target.dsn}`);
  else parts.push(`DRIVER=${braced(driver ?? '')}`);
  if (target.password !== undefined) parts.push(`PWD=${braced(target.password)}`);
  if (target.sslmode !== undefined) parts.push(`SSLmode=${target.sslmode}`);
  parts.push(
    // The last digit is what the driver does on an error. The default, 2, wraps each statement in a savepoint, which
    // forbids pg_export_snapshot. 1 rolls the transaction back and so loses the snapshot. With 0 we go back to our own
    // savepoint (postgres/read/snapshot).
    'Protocol=7.4-0',
    // Text as LONGVARCHAR is fetched in pieces of any length; as VARCHAR it is cut, without an error.
    'TextAsLongVarchar=1',
    'UnknownsAsLongVarchar=1',
    'MaxVarcharSize=255',
    // Off for packed batches (one row each); the cursor path declares its cursors itself.
    'UseDeclareFetch=0',
    'ByteaAsLongVarBinary=1',
    // A data source may switch it on: line feeds would then arrive as carriage returns and line feeds.
    'LFConversion=0',
    // With it on, the driver lets only SELECT through, and neither a savepoint nor a cursor. The session is read-only
    // on the server.
    'ReadOnly=0',
  );
  const configured = configuredOptions(target);
  // The driver refuses an option that is both a keyword of the data source and in pqopt, unless the keyword is empty.
  for (const [option] of configured)
    for (const keyword of KEYWORDS_OF[option] ?? []) if (source.has(keyword)) parts.push(`${keyword}=`);
  parts.push(`pqopt=${braced(libpqOptions(configured, target.connectTimeoutSeconds, source))}`);
  return `${parts.join(';')};`;
}

type LibpqOption = readonly [name: string, value: string];

/** Keywords of a data source that psqlODBC hands to libpq as options, in lower case. */
const KEYWORDS_OF: Readonly<Record<string, readonly string[]>> = {
  host: ['servername', 'server'],
  port: ['port'],
  dbname: ['database'],
  user: ['username', 'uid'],
  keepalives: ['keepalivetime'],
  keepalives_idle: ['keepalivetime'],
  keepalives_interval: ['keepaliveinterval'],
};

function configuredOptions(target: ConnectionTarget): readonly LibpqOption[] {
  const options: readonly (readonly [string, string | undefined])[] = [
    ['host', target.host],
    ['port', target.port?.toString()],
    ['dbname', target.database],
    ['user', target.username],
    ['sslrootcert', target.sslrootcert],
    ['sslcert', target.sslcert],
    ['sslkey', target.sslkey],
  ];
  return options.filter((option): option is LibpqOption => option[1] !== undefined);
}

function habitualOptions(connectTimeoutSeconds: number): readonly LibpqOption[] {
  return [
    ['application_name', 'pgsluice'],
    ['connect_timeout', String(connectTimeoutSeconds)],
    // A server that vanished silently must not hold a thread for ever.
    ['tcp_user_timeout', '60000'],
    ['keepalives_idle', '30'],
    ['keepalives_interval', '10'],
    ['keepalives_count', '3'],
  ];
}

function libpqOptions(configured: readonly LibpqOption[], connectTimeoutSeconds: number, source: DataSource): string {
  const theirs = (source.get('pqopt') ?? '').trim();
  if (/^postgres(ql)?:\/\//.test(theirs))
    throw new ConnectorError('The pqopt of the data source in "dsn" is a URI, to which nothing can be added.', {
      code: 'wrong_connection_option',
      kind: 'configuration',
      hint: "Write it in odbc.ini as libpq's other form, keyword=value.",
    });
  const named = new Set(libpqOptionsIn(theirs).map(([name]) => name));
  const said = (name: string): boolean =>
    named.has(name) || (KEYWORDS_OF[name] ?? []).some((keyword) => (source.get(keyword) ?? '') !== '');
  const habits = habitualOptions(connectTimeoutSeconds).filter(([name]) => !said(name));
  // When an option comes twice, libpq takes the last.
  const ours = [...habits, ...configured].map(([name, value]) => `${name}=${libpqQuoted(value)}`);
  return [...(theirs === '' ? [] : [theirs]), ...ours].join(' ');
}

/** Names and values in a string of libpq's options, as far as they can be read; libpq itself reports the rest. */
export function libpqOptionsIn(text: string): readonly LibpqOption[] {
  const option = /\s*([^\s=]+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*|)/gsy;
  return [...text.matchAll(option)].map(([, name = '', value = '']) => [
    name,
    value.replace(/^'(.*)'$/s, '$1').replace(/\\(.)/gs, '$1'),
  ]);
}

/** libpq's conninfo quoting: single quotes, with backslash before quote and backslash. */
function libpqQuoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function braced(value: string): string {
  return `{${value.replaceAll('}', '}}')}}`;
}
