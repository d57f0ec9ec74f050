/** Reads and writes the state that travels in checkpoints: ours, that of the replaced connector, or none. */
import { counted } from '../common/counted';
import { ConnectorError } from '../common/errors';
import {
  STATE_VERSION,
  type Found,
  ProofMark,
  type KeyMark,
  type LoadProgress,
  type LogPosition,
  type TableLogState,
  type TableShape,
  type TableState,
  type TableStates,
} from '../model/sync-state';
import type { TidRange } from '../model/tid-range';

/** The most that the platform stores. */
export const MOST_STATE_BYTES = 10_000_000;

export interface RequestState {
  readonly states: TableStates;
  /** By table: the columns that the platform was last told. */
  readonly described: ReadonlyMap<string, string>;
  /** By table: columns that are sent as STRING, whatever their type. */
  readonly widened: ReadonlyMap<string, readonly string[]>;
  /** The kind of names under which the tables were sent; undefined: an earlier version did not record it. */
  readonly withSchema: boolean | undefined;
  /** In the log of the source, up to where all tables of mode log have come. */
  readonly logPosition: LogPosition | undefined;
  /** A line for the log, where the state is not simply ours. */
  readonly notice: string | undefined;
}

export function parseState(text: string | undefined): RequestState {
  if (text === undefined || text.trim() === '') return emptyState();
  if (Buffer.byteLength(text) > MOST_STATE_BYTES)
    throw notOurs(`is ${(Buffer.byteLength(text) / 1_000_000).toFixed(1)} MB long, more than the 10 MB of a state`);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw notOurs('is not JSON');
  }
  if (!isObject(document)) throw notOurs('is not a JSON object');
  if (Object.keys(document).length === 0) return emptyState();
  if ('version' in document) return parseOurs(document);
  if (isOfPredecessor(document)) return fromPredecessor(document);
  throw notOurs('is not one of pgsluice');
}

function emptyState(notice?: string): RequestState {
  return {
    states: new Map(),
    described: new Map(),
    widened: new Map(),
    withSchema: undefined,
    logPosition: undefined,
    notice,
  };
}

function parseOurs(document: Readonly<Record<string, unknown>>): RequestState {
  if (typeof document['version'] === 'number' && document['version'] > STATE_VERSION) {
    throw new ConnectorError(`state_json is of version ${document['version']}, which this pgsluice does not know.`, {
      code: 'state_version',
      kind: 'configuration',
      hint: 'Run the pgsluice that wrote it or a newer one, or reset the state for a full re-sync.',
    });
  }
  // Fields that earlier versions did not write are optional.
  const { tables, described = {}, widened = {}, with_schema: withSchema, log_position: logPosition } = document;
  if (document['version'] !== STATE_VERSION || !isObject(tables) || !isObject(described) || !isObject(widened))
    throw notOurs('is not one of pgsluice');
  const states = new Map<string, TableState>();
  for (const [key, entry] of Object.entries(tables)) {
    if (!isTableState(entry)) throw notOurs(`has a damaged entry for ${key.slice(0, 200)}`);
    states.set(key, entry);
  }
  const known = Object.entries(described).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[key, value]] : [],
  );
  const texts = Object.entries(widened).flatMap(([key, value]): [string, readonly string[]][] =>
    isTexts(value) ? [[key, value]] : [],
  );
  return {
    states,
    described: new Map(known),
    widened: new Map(texts),
    withSchema: typeof withSchema === 'boolean' ? withSchema : undefined,
    logPosition: isLogPosition(logPosition) ? (logPosition as LogPosition) : undefined,
    notice: undefined,
  };
}

/** `last_updated_at` and one ISO time per table name, nothing else. */
function isOfPredecessor(document: Readonly<Record<string, unknown>>): boolean {
  return (
    'last_updated_at' in document &&
    Object.values(document).every((value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)))
  );
}

/**
 * Its times are no safe start: they say when a table was read rather than as of which transaction, and one name stood
 * for the tables of that name in all schemas.
 */
function fromPredecessor(document: Readonly<Record<string, unknown>>): RequestState {
  const tables = Object.keys(document).length - 1;
  return emptyState(
    `The state is that of the Python connector (${counted(tables, 'table')}); its times are no safe start for an incremental sync, so every table is loaded in full once more.`,
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isTextOrNull: Check = (value) => value === null || isText(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isXid: Check = (value) => isText(value) && /^\d{1,20}$/.test(value as string);
const isTime: Check = (value) => isText(value) && !Number.isNaN(Date.parse(value as string));
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const shape =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(checks).every(([key, check]) => check(value[key]));

/** Every field is checked: one that is added to the state must be added here. */
const shapeOf = <T>(checks: Readonly<Record<keyof T, Check>>): Check => shape(checks);

const isRange = shapeOf<TidRange>({ lo: isCount, hi: isCount });
const isMark = shape({ oid: isCount, fileNode: isText, deletes: (value) => value === undefined || isText(value) });
const isKeyMark = shapeOf<KeyMark>({ xmin: isXid, rows: isCount, hash: isText });
const isLoad = shapeOf<Required<LoadProgress>>({
  startedAt: isTime,
  signature: isText,
  source: isText,
  firstXmin: isXid,
  watermark: isTextOrNull,
  snapshots: isCount,
  rows: isCount,
  keys: (value) => value === undefined || orNull(isKeyMark)(value),
  relations: listOf((value) => isMark(value) && shape({ pending: listOf(isRange) })(value)),
});
const isColumnShape: Check = (value) => {
  if (!Array.isArray(value) || value.length !== 5) return false;
  const [name, type, place, madeOf, labels] = value as unknown[];
  return [name, type, madeOf].every(isText) && isCount(place) && isCount(labels);
};
const isShape = shapeOf<Required<TableShape>>({
  oid: isCount,
  columns: listOf(isColumnShape),
  left: (value) => value === undefined || listOf(isText)(value),
  rules: (value) => value === undefined || listOf(isTexts)(value),
});
const isFound = shapeOf<Found>({ at: isTime, changed: isCount, deleted: isCount });
const isPosition: Check = (value) => isText(value) && /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/i.test(value as string);
const isLogPosition = shapeOf<LogPosition>({ slot: isText, position: isPosition });
const isLogState = shapeOf<TableLogState>({ position: isPosition, identity: isText });
const isProof = shapeOf<ProofMark>({
  provenAt: orNull(isTime),
  triedAt: isTime,
  differs: (value) => value === undefined || value === true,
});
const isEntry = shapeOf<TableState>({
  destinationTable: isText,
  mode: (value) => value === 'full' || value === 'timestamp' || value === 'xmin' || value === 'log',
  primaryKey: listOf(isText),
  lastSyncedAt: orNull(isTime),
  rows: isCount,
  signature: isTextOrNull,
  shape: orNull(isShape),
  content: (value) => value === undefined || isText(value),
  description: (value) => value === undefined || isTextOrNull(value),
  source: isTextOrNull,
  relations: listOf(isMark),
  xmin: orNull(isXid),
  unseenSince: (value) => value === undefined || isXid(value),
  replicationKey: isTextOrNull,
  watermark: isTextOrNull,
  log: (value) => value === undefined || orNull(isLogState)(value),
  passesSinceReconcile: isCount,
  found: (value) => value === undefined || isFound(value),
  proof: (value) => value === undefined || isProof(value),
  load: orNull(isLoad),
});

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isTableState(value: unknown): value is TableState {
  return isEntry(value);
}

function notOurs(what: string): ConnectorError {
  return new ConnectorError(`state_json ${what}.`, {
    code: 'state_invalid',
    kind: 'configuration',
    hint: 'Send the state of the last checkpoint as it was, or none at all for a full re-sync.',
  });
}
