/** Chooses between the sources of a password that are named, and PostgreSQL's own password file. */
import type { ValueOrigin } from './option-values';
import type { OptionValue } from './options';
import { passfilePath } from './passfile';
import {
  fromPassfile,
  PASSWORD_KEYS,
  placeOf,
  readPassword,
  sourceThatCounts,
  type FoundPassword,
  type NamedSource,
} from './password-source';

export interface PasswordSearch {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The configuration came with a request: nothing of this machine is looked at, unless it is named here. */
  readonly request: boolean;
  readonly passfile: string | undefined;
}

export interface PasswordFindings {
  readonly found?: FoundPassword;
  /** One sentence each. */
  readonly problems?: readonly string[];
  readonly warnings?: readonly string[];
}

/** The option as a source of the password; none where it is another option. */
export function namedPassword(
  key: string,
  value: OptionValue,
  found: { readonly origin: ValueOrigin; readonly level: number },
): readonly NamedSource[] {
  const known = PASSWORD_KEYS.find((each) => each === key);
  if (known === undefined) return [];
  return [{ key: known, text: String(value), origin: found.origin.name, level: found.level }];
}

/** Runs the command, where that is what counts. The password file is looked at where no password is named. */
export function findPassword(
  named: readonly NamedSource[],
  values: Readonly<Record<string, OptionValue | undefined>>,
  search: PasswordSearch,
): PasswordFindings {
  const source = sourceThatCounts(named);
  if (source !== undefined && source.text !== '') {
    const answer = readPassword(source, { ...search.env });
    return 'problem' in answer ? { problems: [answer.problem] } : { found: answer, warnings: unused(source, named) };
  }
  // An empty password is that of a server which asks for none.
  const empty = source === undefined ? {} : { found: { password: '', from: placeOf(source) } };
  const passfile = search.request ? search.passfile : passfilePath(search.env);
  // Where a data source names the login, the driver looks into the file itself.
  if (passfile === undefined || values['dsn'] !== undefined) return empty;
  const { host, port, database, username } = values;
  const login = { host: String(host), port: String(port), database: String(database), user: String(username) };
  const answer = fromPassfile(passfile, login);
  if (answer === undefined) return empty;
  if (!('problem' in answer)) return { found: answer };
  return source === undefined ? { problems: [answer.problem] } : { ...empty, warnings: [answer.problem] };
}

/** Two texts of the same option are told apart elsewhere. */
function unused(counts: NamedSource, named: readonly NamedSource[]): readonly string[] {
  return named
    .filter((source) => source !== counts && source.text !== '')
    .map((source) => `The password is taken from ${placeOf(counts)}; ${placeOf(source)} is not used.`);
}
