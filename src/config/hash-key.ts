/** The key of hashed columns: from the environment, the configuration or a file. It appears in no message. */
import { readFileSync, statSync } from 'node:fs';
import { ConnectorError } from '../common/errors';
import { hashKeyOf, type HashKey } from '../model/hash-key';

export interface HashKeySource {
  /** The value of `hash_key`. */
  readonly text: string | undefined;
  /** The value of `hash_key_file`. */
  readonly path: string | undefined;
}

/** What anybody could try out is no key. */
const SHORTEST_KEY = 16;
const NEW_KEY = 'Make one with `openssl rand -hex 32`, and keep it: hashes made with another key are others.';

/** The key, and its text, which no output may show; undefined where none is given. */
export function readHashKey(
  { text, path }: HashKeySource,
  needed: boolean,
): { readonly key: HashKey; readonly secret: string; readonly warnings: readonly string[] } | undefined {
  if (text !== undefined && text !== '' && path !== undefined)
    throw invalid('Both "hash_key" and "hash_key_file" are given.', 'Give one of them.');
  const secret = path === undefined ? (text ?? '') : readKeyFile(path);
  if (secret === '' && path === undefined) {
    if (!needed) return undefined;
    throw invalid(
      'A rule of "columns" asks for a hash, and there is no key.',
      `Set "hash_key_file", or PGSLUICE_HASH_KEY. ${NEW_KEY}`,
    );
  }
  if (Array.from(secret).length < SHORTEST_KEY)
    throw invalid(`The hash key has fewer than ${SHORTEST_KEY} characters.`, NEW_KEY);
  return {
    key: hashKeyOf(Buffer.from(secret, 'utf8')),
    secret,
    warnings: path === undefined ? [] : seenByOthers(path),
  };
}

function seenByOthers(path: string): readonly string[] {
  const others = process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0;
  return others ? [`Other users of this host may read the hash key in ${path}; run: chmod 600 ${path}`] : [];
}

/** Without the newline that editors end a file with. */
function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw invalid(
      `"hash_key_file" names ${path}, which cannot be read.`,
      'Correct the path, or let this user read the file.',
      cause,
    );
  }
}

function invalid(message: string, hint: string, cause?: unknown): ConnectorError {
  return new ConnectorError(message, { code: 'hash_key', kind: 'configuration', hint, cause });
}
