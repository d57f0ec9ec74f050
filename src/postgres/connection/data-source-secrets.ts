import { libpqOptionsIn } from './connection-string';
import type { DataSource } from './data-source';

const PASSWORD_KEYWORDS = ['password', 'pwd'];
const PASSWORD_OPTIONS = ['password', 'sslpassword'];

/** Finds the passwords of a data source, in its own keywords and among libpq's options: no line may show them. */
export function passwordsIn(source: DataSource): readonly string[] {
  const keywords = PASSWORD_KEYWORDS.map((keyword) => source.get(keyword) ?? '');
  const pqopt = source.get('pqopt') ?? '';
  const options = libpqOptionsIn(pqopt.replace(/^\{(.*)\}$/s, '$1')).filter(([name]) =>
    PASSWORD_OPTIONS.includes(name),
  );
  const names = ['username', 'uid', 'database'].map((keyword) => source.get(keyword));
  // The name of the role or the database stands in many lines, and masking it there would tell the password.
  return [...keywords, ...options.map(([, value]) => value)].filter((text) => text !== '' && !names.includes(text));
}
