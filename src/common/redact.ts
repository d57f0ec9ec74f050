import { isOrdinary } from './ordinary-words';

export const MASK = '***';

// One or two characters occur in every other word. Masking them would ruin the logs, and the masked places would tell
// the secret; the same holds for an ordinary word. Such a secret is hidden only where a password stands (below).
const SHORTEST_SECRET = 3;

// Passwords by their place, whatever their text is: in connection strings, libpq's parameters and URLs.
const KEYWORD =
  /\b(pwd|password|pgpassword|sslpassword|oauth_client_secret)(\s*=\s*)(?:\{(?:[^}]|\}\})*(?:\}|$)|'(?:[^'\\]|\\.)*(?:'|$)|[^;\s]*)/gi;
// The same in SQL and JSON; the ellipsis stands in our own advice.
const QUOTED =
  /\b(password(?:"?\s{0,10}:\s{0,10}|\s{1,10}))(?!'…')(?:'(?:[^'\\]|''|\\.)*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$))/gi;
const URL_LOGIN = /\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/@]{0,100}:)[^\s@]{0,300}@/gi;

/**
 * Makes a function that replaces secrets by `***`, also in the forms they take in a connection string, a URL, JSON, SQL
 * or libpq. Everything that leaves the process as text goes through it.
 */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const forms = new Set(secrets.filter(maskedAnywhere).flatMap(formsOf));
  // The longest form comes first, so that the whole is masked rather than its beginning.
  const alternatives = [...forms].sort((a, b) => b.length - a.length).map(escapeForRegExp);
  const known = alternatives.length === 0 ? undefined : new RegExp(alternatives.join('|'), 'g');
  return (text) => {
    const masked = known === undefined ? text : text.replace(known, MASK);
    return masked.replace(KEYWORD, `$1$2${MASK}`).replace(QUOTED, `$1${MASK}`).replace(URL_LOGIN, `$1${MASK}@`);
  };
}

function maskedAnywhere(secret: string): boolean {
  return secret.length >= SHORTEST_SECRET && !isOrdinary(secret);
}

function formsOf(secret: string): readonly string[] {
  // encodeURIComponent throws on half a surrogate pair.
  const encoded = encodeURIComponent(secret.replace(/\p{Surrogate}/gu, '\ufffd'));
  const strict = encoded.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  const url = [encoded, strict, encoded.replaceAll('%20', '+'), strict.replaceAll('%20', '+')];
  return [
    secret,
    `{${secret.replaceAll('}', '}}')}}`,
    secret.replaceAll('}', '}}'),
    ...url,
    ...url.map((form) => form.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())),
    JSON.stringify(secret).slice(1, -1),
    secret.replaceAll("'", "''"),
    secret.replace(/['\\]/g, '\\$&'),
  ];
}

function escapeForRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
