/**
 * The messages of the output plugin pgoutput, protocol version 1, as far as they tell which rows have changed.
 * https://www.postgresql.org/docs/18/protocol-logicalrep-message-formats.html
 *
 * A message may have been cut short on the server, so that values behind the key do not travel: what is not there of a
 * tuple is `CUT`, and nothing is read beyond the end.
 */
import { ConnectorError } from '../../common/errors';

export type LogMessage =
  /** A transaction. `commit`: the position of its commit record. */
  | { readonly kind: 'begin'; readonly commit: bigint; readonly xid: number }
  /** `identifying`: for each column, whether it is part of the replica identity. */
  | {
      readonly kind: 'relation';
      readonly oid: number;
      readonly columns: readonly string[];
      readonly identifying: readonly boolean[];
    }
  /** `old`: the key or the whole row as it was, where the replica identity or a change of the key brings it. */
  | { readonly kind: 'row'; readonly oid: number; readonly old: Tuple | undefined; readonly now: Tuple | undefined }
  | { readonly kind: 'truncate'; readonly oids: readonly number[] }
  /** Commit, Origin, Type, Message: they change no row. */
  | { readonly kind: 'other' };

/**
 * For each column, the offset of its length, which the value follows; or one of the three below. Columns that were cut
 * away may be missing.
 */
export type Tuple = readonly number[];
export const NULL = -1;
/** An out-of-line value that the update has not touched. */
export const UNCHANGED = -2;
export const CUT = -3;

const CODE = (letter: string): number => letter.charCodeAt(0);
const [BEGIN, RELATION, INSERT, UPDATE, DELETE, TRUNCATE] = ['B', 'R', 'I', 'U', 'D', 'T'].map(CODE);
const [KEY, OLD, NEW] = ['K', 'O', 'N'].map(CODE);
const [IS_NULL, IS_UNCHANGED, IS_TEXT] = ['n', 'u', 't'].map(CODE);
/** Flag of a column of a Relation message. */
const PART_OF_IDENTITY = 1;
const WITHOUT_EFFECT: ReadonlySet<number> = new Set(['C', 'O', 'Y', 'M'].map(CODE));

/** The message in `bytes` from `start` to `end`. Throws on what protocol version 1 does not have. */
export function decodeMessage(bytes: Buffer, start: number, end: number): LogMessage {
  const code = bytes[start];
  switch (code) {
    case INSERT: {
      const { tuple } = readTuple(bytes, start + 6, end);
      return { kind: 'row', oid: bytes.readUInt32BE(start + 1), old: undefined, now: tuple };
    }
    case UPDATE:
      return { kind: 'row', oid: bytes.readUInt32BE(start + 1), ...readUpdate(bytes, start + 5, end) };
    case DELETE: {
      const { tuple } = readTuple(bytes, start + 6, end);
      return { kind: 'row', oid: bytes.readUInt32BE(start + 1), old: tuple, now: undefined };
    }
    case BEGIN:
      return { kind: 'begin', commit: bytes.readBigUInt64BE(start + 1), xid: bytes.readUInt32BE(start + 17) };
    case RELATION:
      return readRelation(bytes, start + 1, end);
    case TRUNCATE: {
      const count = bytes.readUInt32BE(start + 1);
      return {
        kind: 'truncate',
        oids: Array.from({ length: count }, (_, index) => bytes.readUInt32BE(start + 6 + 4 * index)),
      };
    }
    default:
      if (code !== undefined && WITHOUT_EFFECT.has(code)) return { kind: 'other' };
      throw unknown(`message of type ${code ?? 'nothing'}`);
  }
}

function readUpdate(bytes: Buffer, start: number, end: number): { old: Tuple | undefined; now: Tuple | undefined } {
  const kind = bytes[start];
  if (kind === NEW) return { old: undefined, now: readTuple(bytes, start + 1, end).tuple };
  if (kind !== KEY && kind !== OLD) throw unknown(`tuple of type ${kind ?? 'nothing'}`);
  const old = readTuple(bytes, start + 1, end);
  // Cut within the old one: of the new one nothing is known.
  if (old.end === undefined || old.end >= end) return { old: old.tuple, now: [] };
  return { old: old.tuple, now: readTuple(bytes, old.end + 1, end).tuple };
}

/** `end`: behind the tuple; undefined where it was cut. */
function readTuple(bytes: Buffer, start: number, limit: number): { tuple: Tuple; end: number | undefined } {
  if (start + 2 > limit) return { tuple: [], end: undefined };
  const count = bytes.readUInt16BE(start);
  const tuple: number[] = [];
  let place = start + 2;
  for (let column = 0; column < count; column += 1) {
    if (place >= limit) return { tuple, end: undefined };
    const kind = bytes[place];
    place += 1;
    if (kind === IS_NULL) tuple.push(NULL);
    else if (kind === IS_UNCHANGED) tuple.push(UNCHANGED);
    else if (kind !== IS_TEXT) throw unknown(`value of type ${kind ?? 'nothing'}`);
    else {
      const next = place + 4 <= limit ? place + 4 + bytes.readUInt32BE(place) : Infinity;
      if (next > limit) {
        tuple.push(CUT);
        return { tuple, end: undefined };
      }
      tuple.push(place);
      place = next;
    }
  }
  return { tuple, end: place };
}

function readRelation(bytes: Buffer, start: number, end: number): LogMessage {
  const oid = bytes.readUInt32BE(start);
  let place = start + 4;
  const text = (): string => {
    const zero = bytes.indexOf(0, place);
    if (zero === -1 || zero >= end) throw unknown('name without an end');
    const value = bytes.toString('utf8', place, zero);
    place = zero + 1;
    return value;
  };
  text();
  text();
  // The replica identity.
  place += 1;
  const count = bytes.readUInt16BE(place);
  place += 2;
  const columns: string[] = [];
  const identifying: boolean[] = [];
  for (let column = 0; column < count; column += 1) {
    identifying.push(((bytes[place] ?? 0) & PART_OF_IDENTITY) !== 0);
    place += 1;
    columns.push(text());
    // Its type and modifier.
    place += 8;
  }
  return { kind: 'relation', oid, columns, identifying };
}

function unknown(what: string): ConnectorError {
  return new ConnectorError(`The log has a ${what}, which protocol version 1 of pgoutput does not have.`, {
    code: 'log_not_understood',
    kind: 'source',
  });
}
