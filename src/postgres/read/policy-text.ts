/** The SQL for the values of a column under a policy. It runs on the server, which the value itself does not leave. */
import type { ColumnPolicy } from '../../model/column-policy';
import { BLOCK_BYTES, hashSettings } from '../../model/hash-key';
import type { SourceType } from '../../model/table';
import { columnTypeOf } from '../catalog';
import { quoteLiteral } from '../connection';
import { valueText, withoutTrailingZeros } from './value-text';

/** SQL of type text over `reference`; NULL where that is NULL, and everywhere under the action null. */
export function policyText(
  reference: string,
  source: SourceType,
  policy: ColumnPolicy,
  keyText: (text: string) => string,
): string {
  const { action } = policy;
  if (action.kind === 'null') return 'NULL::text';
  const text = keyText(exactText(reference, source));
  if (action.kind === 'hash') return keyedHash(text, policy.hashId);
  switch (action.form) {
    case 'all':
      return `CASE WHEN ${reference} IS NOT NULL THEN '***' END`;
    case 'email':
      return maskedEmail(text);
    case 'phone':
      return maskedPhone(text);
    case 'last':
      return allButLast(text, action.shown);
  }
}

/** Whatever `type_mode` says, and the same for 1, 1.0 and 1.00: equal values have equal hashes in all columns. */
function exactText(reference: string, source: SourceType): string {
  const type = columnTypeOf(source);
  const text = valueText(reference, source, type);
  return type.kind === 'decimal' || type.kind === 'decimal-unbounded' ? withoutTrailingZeros(text) : text;
}

/** HMAC-SHA-256 over the text in UTF-8, as 64 digits. */
function keyedHash(text: string, id: string): string {
  const { inner, outer } = hashSettings(id);
  const message = `pg_catalog.convert_to(${text}, 'UTF8')`;
  return `pg_catalog.encode(pg_catalog.sha256(${block(outer)} || pg_catalog.sha256(${block(inner)} || ${message})), 'hex')`;
}

/**
 * A query of its own, which is evaluated once a statement. A setting that was reset is an empty text, and would be a key
 * that everybody knows: get_byte fails where the block is not whole.
 */
function block(setting: string): string {
  return (
    `(SELECT k FROM (SELECT pg_catalog.decode(pg_catalog.current_setting(${quoteLiteral(setting)}), 'hex') AS k OFFSET 0) AS s ` +
    `WHERE pg_catalog.get_byte(k, ${BLOCK_BYTES - 1}) >= 0)`
  );
}

/** `a***@example.com`; what is not plainly one address is hidden as a whole. */
function maskedEmail(text: string): string {
  return (
    `CASE WHEN ${text} ~ '^[^@[:space:]]+@[A-Za-z0-9.-]+$' THEN left(${text}, 1) || '***' || substr(${text}, strpos(${text}, '@')) ` +
    `WHEN ${text} IS NOT NULL THEN '***' END`
  );
}

const PHONE_CHARACTERS_SHOWN = 2;
/** Fewer leave too little hidden. */
const SHORTEST_PHONE = 6;

/** `+** *** *****67`: the last two characters, and what separates groups of digits. */
function maskedPhone(text: string): string {
  return (
    `CASE WHEN length(${text}) >= ${SHORTEST_PHONE} THEN regexp_replace(left(${text}, -${PHONE_CHARACTERS_SHOWN}), '[^-+(). /]', '*', 'g') ` +
    `|| right(${text}, ${PHONE_CHARACTERS_SHOWN}) WHEN ${text} IS NOT NULL THEN '***' END`
  );
}

/** `************1111`; of a value that is no longer than what would be shown, nothing is. */
function allButLast(text: string, shown: number): string {
  return (
    `CASE WHEN length(${text}) > ${shown} THEN repeat('*', length(${text}) - ${shown}) || right(${text}, ${shown}) ` +
    `ELSE repeat('*', length(${text})) END`
  );
}
