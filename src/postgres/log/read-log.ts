/**
 * Reads the log between our slot and a position: the keys of every row that was inserted, changed or deleted, each once.
 * Nothing is taken from the slot, so that it may be read again.
 *
 * What a snapshot must see. A transaction writes its commit record before others see it, and where it waits for a standby
 * in between, long before. A key whose transaction the snapshot does not see would be read as it was, and never again. So
 * such transactions are left out, and the reading counts only up to the first of them: the next one begins there, and
 * what comes twice does no harm. A standby does not tell which transactions were running: theirs are read now and again.
 */
import { checkSettings, type Session } from '../connection';
import { KeySet } from './key-set';
import { LONGEST_CELL_BYTES, logQuerySql } from './log-query';
import { formatLsn, parseLsn } from './lsn';
import { CUT, decodeMessage, NULL, UNCHANGED, type LogMessage, type Tuple } from './pgoutput';
import type { Seen, SnapshotXids } from './snapshot-xids';

/** A table that the log is asked about. */
export interface LoggedTable {
  /** Under which the log may name its rows: its own oid, those of its partitions. */
  readonly oids: readonly number[];
  readonly keyColumns: readonly string[];
  /** What was committed before is known. */
  readonly since: string;
  /** In how many bytes of a message the key usually is; undefined: it may be anywhere. */
  readonly keyWithin: number | undefined;
}

/** What the log says of a table. A key that came and went is in both sets. */
export interface LoggedChanges {
  /** Keys of rows that were inserted or updated. */
  readonly written: KeySet;
  /** Keys of rows that were deleted, or were given another key. */
  readonly gone: KeySet;
  readonly truncated: boolean;
  /** Why the keys are not all that have changed, as a phrase: `has …`; undefined: they are. */
  readonly obstacle: string | undefined;
}

export interface LogRead {
  readonly slotName: string;
  readonly publicationName: string;
  /** Where to stop: a position that can be decoded. */
  readonly upTo: string;
  readonly snapshot: SnapshotXids;
  readonly tables: readonly LoggedTable[];
  /** Is told of the bytes of each piece. */
  readonly onRead: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

export interface LogReading {
  /** Everything that was committed before is in it, and in the snapshot. */
  readonly until: string;
  /** In the order of the tables. */
  readonly changes: readonly LoggedChanges[];
}

/** About 3,000,000 keys of eight digits: beyond, the table with the most is read in another way. */
const MOST_KEY_BYTES = 96 * 1024 * 1024;

/** Must run inside a transaction; an error leaves it to be taken back to a savepoint. */
export async function readLog(session: Session, read: LogRead): Promise<LogReading> {
  const whole = new Set(read.tables.filter(({ keyWithin }) => keyWithin === undefined));
  for (;;) {
    const gathering = new Gathering(read);
    await fetchInto(gathering, session, read, whole);
    const cut = gathering.tablesCut.filter((table) => !whole.has(table));
    if (cut.length === 0) return gathering.result();
    for (const table of cut) whole.add(table);
  }
}

async function fetchInto(
  gathering: Gathering,
  session: Session,
  { slotName, publicationName, upTo, tables, onRead, signal }: LogRead,
  whole: ReadonlySet<LoggedTable>,
): Promise<void> {
  const context = { doing: `reading the log from slot ${slotName}`, signal, longestValueBytes: LONGEST_CELL_BYTES };
  const sql = logQuerySql({
    ...{ slotName, publicationName, upTo },
    oids: tables.flatMap(({ oids }) => oids),
    whole: [...whole].flatMap(({ oids }) => oids),
    cutBytes: Math.max(0, ...tables.map(({ keyWithin }) => keyWithin ?? 0)),
  });
  await session.query(`DECLARE pgsluice_log NO SCROLL CURSOR FOR ${sql}`, context);
  for (;;) {
    const [row] = await session.query('FETCH 1 FROM pgsluice_log', context);
    if (row === undefined) break;
    checkSettings(row, context.doing);
    const cell = String(row['x']);
    gathering.add(Buffer.from(cell, 'base64'));
    onRead(cell.length);
  }
  await session.query('CLOSE pgsluice_log', context);
}

/** A table while the log is read. */
interface Gathered {
  readonly table: LoggedTable;
  readonly since: bigint;
  written: KeySet;
  gone: KeySet;
  truncated: boolean;
  cut: boolean;
  obstacle: string | undefined;
  /**
   * Its relations whose replica identity lacks the key, as of what was read so far: an update that gives a row another key
   * would not tell the one of before.
   */
  readonly unidentified: Set<number>;
}

class Gathering {
  private readonly gathered: readonly Gathered[];
  private readonly byOid = new Map<number, Gathered>();
  /** By relation: where its key columns stand in a tuple, as of what was read so far. */
  private readonly keyPlaces = new Map<number, readonly number[]>();
  private transaction: { readonly commit: bigint; readonly seen: Seen } = { commit: 0n, seen: 'yes' };
  private firstUnseen: bigint | undefined;

  constructor(private readonly read: LogRead) {
    this.gathered = read.tables.map((table) => ({
      table,
      since: parseLsn(table.since),
      written: new KeySet(table.keyColumns.length),
      gone: new KeySet(table.keyColumns.length),
      truncated: false,
      cut: false,
      obstacle: undefined,
      unidentified: new Set(),
    }));
    for (const each of this.gathered) for (const oid of each.table.oids) this.byOid.set(oid, each);
  }

  get tablesCut(): readonly LoggedTable[] {
    return this.gathered.filter(({ cut }) => cut).map(({ table }) => table);
  }

  /** `messages`: each with its length before it. */
  add(messages: Buffer): void {
    for (let place = 0; place < messages.length;) {
      const end = place + 4 + messages.readUInt32BE(place);
      this.message(decodeMessage(messages, place + 4, end), messages);
      place = end;
    }
    this.keepWithinMemory();
  }

  result(): LogReading {
    const { upTo } = this.read;
    for (const { written, gone } of this.gathered) for (const keys of [written, gone]) keys.complete();
    const until =
      this.firstUnseen !== undefined && this.firstUnseen < parseLsn(upTo) ? formatLsn(this.firstUnseen) : upTo;
    const changes = this.gathered.map(({ written, gone, truncated, cut, obstacle }) => ({
      written,
      gone,
      truncated,
      obstacle: cut ? 'has rows whose key the log does not show within 8 MB' : obstacle,
    }));
    return { until, changes };
  }

  private message(message: LogMessage, bytes: Buffer): void {
    switch (message.kind) {
      case 'begin':
        this.transaction = { commit: message.commit, seen: this.read.snapshot.sees(message.xid) };
        if (this.transaction.seen !== 'yes') this.firstUnseen ??= message.commit;
        return;
      case 'relation': {
        const table = this.byOid.get(message.oid);
        if (table === undefined) return;
        const places = table.table.keyColumns.map((column) => message.columns.indexOf(column));
        this.keyPlaces.set(message.oid, places);
        if (places.every((place) => message.identifying[place] !== false)) table.unidentified.delete(message.oid);
        else table.unidentified.add(message.oid);
        return;
      }
      case 'truncate':
        for (const oid of message.oids) {
          const table = this.wanted(oid);
          if (table !== undefined) table.truncated = true;
        }
        return;
      case 'row': {
        const table = this.wanted(message.oid);
        if (table === undefined || table.obstacle !== undefined) return;
        if (table.unidentified.size > 0) table.obstacle = 'had another replica identity for a while';
        else addKeys(table, bytes, this.keyPlaces.get(message.oid) ?? [], message);
        return;
      }
      case 'other':
    }
  }

  /** The table, where the running transaction counts for it. */
  private wanted(oid: number): Gathered | undefined {
    const table = this.byOid.get(oid);
    const { commit, seen } = this.transaction;
    if (table === undefined || seen === 'no' || commit < table.since) return undefined;
    return table;
  }

  private keepWithinMemory(): void {
    const bytes = ({ written, gone }: Gathered): number => written.allocatedBytes + gone.allocatedBytes;
    if (this.gathered.reduce((sum, each) => sum + bytes(each), 0) <= MOST_KEY_BYTES) return;
    const largest = this.gathered.reduce((most, each) => (bytes(each) > bytes(most) ? each : most));
    const keys = largest.written.size + largest.gone.size;
    largest.obstacle = `has more changed rows in the log (${keys} so far) than are worth asking for one by one`;
    largest.written = new KeySet(largest.table.keyColumns.length);
    largest.gone = new KeySet(largest.table.keyColumns.length);
  }
}

/** A row as it was and as it is now, either of which there may not be. */
function addKeys(
  table: Gathered,
  bytes: Buffer,
  columns: readonly number[],
  { old, now }: { readonly old: Tuple | undefined; readonly now: Tuple | undefined },
): void {
  const before = old === undefined ? undefined : placesOfKey(table, columns, old, undefined);
  const after = now === undefined ? undefined : placesOfKey(table, columns, now, old);
  if (after !== undefined) table.written.add(bytes, after);
  // The whole row as it was comes with each update, where the replica identity is full.
  if (before !== undefined && (after === undefined || !sameTexts(bytes, before, after))) table.gone.add(bytes, before);
}

/** undefined: the key is not there, which the table is told of. `before`: the same row as it was, which has the values that the update has not touched. */
function placesOfKey(
  table: Gathered,
  columns: readonly number[],
  tuple: Tuple,
  before: Tuple | undefined,
): readonly number[] | undefined {
  const places: number[] = [];
  for (const column of columns) {
    let place = tuple[column] ?? CUT;
    if (place === UNCHANGED) place = before?.[column] ?? UNCHANGED;
    if (place === CUT && column >= 0) {
      table.cut = true;
      return undefined;
    }
    if (place === NULL || place < 0) {
      table.obstacle = 'has changes in the log that do not name their key';
      return undefined;
    }
    places.push(place);
  }
  return places;
}

function sameTexts(bytes: Buffer, some: readonly number[], others: readonly number[]): boolean {
  return some.every((place, index) => {
    const other = others[index] ?? place;
    const length = 4 + bytes.readUInt32BE(place);
    return (
      length === 4 + bytes.readUInt32BE(other) &&
      bytes.compare(bytes, other, other + length, place, place + length) === 0
    );
  });
}
