import { parseTree, type ParseError } from 'jsonc-parser';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export interface ConfigurationFile {
  /** Absolute, for messages. */
  readonly path: string;
  /** False where the default file does not exist: flags and environment may hold everything. */
  readonly exists: boolean;
  readonly values: ReadonlyMap<string, string>;
  /** One sentence each. */
  readonly problems: readonly string[];
}

// The limit that the platform sets for a connector.
const MOST_KEYS = 100;

/** Chooses the file: the flag's, else the environment's, else configuration.json in the working directory. */
export function configurationPath(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): { readonly path: string; readonly named: boolean } {
  const name = flag ?? (env['FIVETRAN_CONFIGURATION'] || undefined);
  return { path: resolve(cwd, name ?? 'configuration.json'), named: name !== undefined };
}

/**
 * Reads the file's string values. JSON.parse's own messages quote the text around an error, which may be a password, so
 * jsonc-parser locates errors and they are worded here.
 */
export function readConfigurationFile(path: string, named: boolean): ConfigurationFile {
  const result = (parts: Partial<ConfigurationFile>): ConfigurationFile => {
    return { path, exists: true, values: new Map(), problems: [], ...parts };
  };
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' && !named) return result({ exists: false });
    return result({ exists: code !== 'ENOENT', problems: [unreadable(path, code)] });
  }

  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return result({ problems: [`The configuration file ${path} is not UTF-8 text; save it as UTF-8.`] });
  }

  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    const { line, column } = locateError(text);
    const where = text.trim() === '' ? 'it is empty' : `see line ${line}, column ${column}`;
    return result({ problems: [`The configuration file ${path} is not valid JSON (${where}); correct it there.`] });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    const found = Array.isArray(parsed) ? 'an array' : parsed === null ? 'null' : `a ${typeof parsed}`;
    return result({
      problems: [
        `The configuration file ${path} holds ${found} rather than an object; write {"host": "…", …} as in the sample.`,
      ],
    });
  }

  const problems: string[] = [];
  const values = new Map<string, string>();
  const entries = Object.entries(parsed);
  if (entries.length > MOST_KEYS) {
    problems.push(
      `The configuration file ${path} has ${entries.length} keys; ${MOST_KEYS} are allowed, so remove some.`,
    );
  }
  for (const [key, value] of entries) {
    if (typeof value === 'string') values.set(key, value);
    else problems.push(`${key} (${path}) must be a string, not ${typeName(value)}; put its value in double quotes.`);
  }
  return result({ values, problems });
}

function unreadable(path: string, code: string | undefined): string {
  switch (code) {
    case 'ENOENT':
      return `The configuration file ${path} does not exist; correct the path, or let \`pgsluice init --configuration ${path}\` write it.`;
    case 'EISDIR':
      return `The configuration file ${path} is a directory; name the file in it.`;
    case 'EACCES':
    case 'EPERM':
      return `The configuration file ${path} may not be read by this user; allow it with chmod or chown.`;
    default:
      return `The configuration file ${path} cannot be read (${code ?? 'unknown error'}); check the path.`;
  }
}

function locateError(text: string): { readonly line: number; readonly column: number } {
  const errors: ParseError[] = [];
  parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  // A fault that only JSON.parse sees, such as a raw tab in a string, has no place: the message points at the start.
  const before = text.slice(0, errors[0]?.offset ?? 0).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
