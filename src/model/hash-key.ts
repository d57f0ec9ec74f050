/**
 * The key of hashed columns, as the server needs it. HMAC (RFC 2104) hashes twice, each time after the key, padded to a
 * block and combined with a constant: these two blocks are made here.
 *
 * Each is a setting of the session, so that no statement that reads rows holds key material. Their names have the key's
 * identity in them: under another key there is no such setting, and a statement fails rather than hash otherwise.
 */
import { createHash, createHmac } from 'node:crypto';

export interface HashKey {
  /** Tells keys apart, and does not tell what they are. */
  readonly id: string;
  /** By the names of the session's settings: blocks as hex. */
  readonly settings: Readonly<Record<string, string>>;
}

/** The block size of SHA-256. */
export const BLOCK_BYTES = 64;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

export function hashKeyOf(secret: Buffer): HashKey {
  const key = secret.length > BLOCK_BYTES ? createHash('sha256').update(secret).digest() : secret;
  const padded = Buffer.alloc(BLOCK_BYTES);
  key.copy(padded);
  const block = (pad: number): string => Buffer.from(padded.map((byte) => byte ^ pad)).toString('hex');
  const id = createHmac('sha256', secret).update('pgsluice: identity of the key').digest('hex').slice(0, 16);
  const names = hashSettings(id);
  return { id, settings: { [names.inner]: block(INNER_PAD), [names.outer]: block(OUTER_PAD) } };
}

/** Names of the settings that hold the two blocks. */
export function hashSettings(id: string): { readonly inner: string; readonly outer: string } {
  return { inner: `pgsluice.hash_${id}_inner`, outer: `pgsluice.hash_${id}_outer` };
}
