/** Positions in the write-ahead log: pg_lsn as text (`16/B374D848`), two hexadecimal halves of 64 bits. */
import { ConnectorError } from '../../common/errors';

export function parseLsn(text: string): bigint {
  const [high, low] = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text)?.slice(1) ?? [];
  if (high === undefined || low === undefined)
    throw new ConnectorError(`"${text}" is no position in a log.`, { code: 'not_a_position', kind: 'internal' });
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

export function formatLsn(position: bigint): string {
  const half = (value: bigint): string => value.toString(16).toUpperCase();
  return `${half(position >> 32n)}/${half(position & 0xffff_ffffn)}`;
}

export function earlier(one: string, other: string): string {
  return parseLsn(other) < parseLsn(one) ? other : one;
}

export function latest(one: string, other: string): string {
  return parseLsn(other) > parseLsn(one) ? other : one;
}
