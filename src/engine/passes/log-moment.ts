/**
 * One moment of the source, for all tables whose changes the log names: a snapshot, what was committed until then, and the
 * position in the log from which the next sync goes on.
 *
 * Order is what makes it complete. The snapshot comes first and the end of the log after it, so that whatever the snapshot
 * sees has its commit record before that end. What the log has beyond the snapshot is left out, and comes again
 * (postgres/log/read-log). So each pass makes its table equal to this moment, and all of them to the same one.
 */
import { ConnectorError } from '../../common/errors';
import { sleep } from '../../common/retry';
import type { ColumnSchema } from '../../model/table';
import type { ConnectionManager, Session } from '../../postgres/connection';
import {
  earlier,
  logEnd,
  parseLsn,
  readLog,
  SnapshotXids,
  type LoggedChanges,
  type LoggedTable,
} from '../../postgres/log';
import { beginAndExport, endTransaction, relationStates, type SnapshotInfo } from '../../postgres/read';
import { knownUntil, type LogOutlook, type TableRun } from '../plan';

export interface LogMomentOptions {
  readonly manager: ConnectionManager;
  readonly outlook: LogOutlook;
  /** Is told of the bytes of each piece of the log. */
  readonly onRead: (bytes: number) => void;
  readonly signal: AbortSignal;
}

interface Found {
  readonly snapshot: SnapshotInfo;
  /** Everything that was committed before is in the snapshot, and in the changes. */
  readonly position: string;
  readonly changes: ReadonlyMap<TableRun, LoggedChanges>;
  /** By relation, when the log had been read. */
  readonly fileNodes: ReadonlyMap<number, string>;
  /** See `LogMoment`. */
  readonly xmin: string | undefined;
}

export class LogMoment {
  private tail: Promise<unknown> = Promise.resolve();
  private left = false;

  private constructor(
    private readonly manager: ConnectionManager,
    private readonly session: Session,
    private readonly found: Found,
  ) {}

  static async open(runs: readonly TableRun[], options: LogMomentOptions): Promise<LogMoment> {
    const { manager, outlook, onRead, signal } = options;
    const session = await manager.lease(signal);
    try {
      const snapshot = await beginAndExport(session, [], signal);
      for (const { source } of runs) if (source !== snapshot.source) throw sourceChanged();
      const { text, ofStandby } = await snapshotNow(session, signal);
      const { upTo, isWhole } = await endOfLog(session, signal);
      const reading = await readLog(session, {
        slotName: outlook.slotName,
        publicationName: outlook.publicationName,
        upTo,
        snapshot: new SnapshotXids(text, !ofStandby),
        tables: runs.map((run) => loggedTable(run, outlook)),
        onRead,
        signal,
      });
      const relations = runs.flatMap((run) => run.planned.table.relations);
      const states = await relationStates(session, relations, signal, false);
      const changes = new Map(
        runs.flatMap((run, index): [TableRun, LoggedChanges][] => {
          const found = reading.changes[index];
          return found === undefined ? [] : [[run, found]];
        }),
      );
      const fileNodes = new Map([...states].map(([oid, { fileNode }]) => [oid, fileNode]));
      // What the publication shows may have been changed since it was asked about, and changed back.
      const xmin = isWhole ? older(outlook.xmin, snapshot.xmin) : undefined;
      return new LogMoment(manager, session, { snapshot, position: reading.until, changes, fileNodes, xmin });
    } catch (error) {
      await manager.discard(session);
      throw error;
    }
  }

  get snapshot(): SnapshotInfo {
    return this.found.snapshot;
  }

  get position(): string {
    return this.found.position;
  }

  /**
   * The transaction from which on the log may not have shown everything; undefined: that of the last pass, since the
   * snapshot sees transactions that could not be read in the log yet.
   */
  get xmin(): string | undefined {
    return this.found.xmin;
  }

  /** False once its snapshot is lost, or was given back. */
  get usable(): boolean {
    return !this.left && this.session.usable;
  }

  changesOf(run: TableRun): LoggedChanges | undefined {
    return this.found.changes.get(run);
  }

  /** The file of a relation of one of the tables, when the log had been read; undefined: it is gone. */
  fileNodeOf(oid: number): string | undefined {
    return this.found.fileNodes.get(oid);
  }

  /** Runs `action` under the snapshot, one at a time. */
  async use<T>(action: (session: Session) => Promise<T>): Promise<T> {
    const result = this.tail.then(() => action(this.session));
    this.tail = result.catch(() => undefined);
    return await result;
  }

  /** Gives the snapshot back; may be called twice. */
  async leave(): Promise<void> {
    if (this.left) return;
    this.left = true;
    await this.tail;
    try {
      await endTransaction(this.session);
    } catch {
      await this.manager.discard(this.session);
      return;
    }
    await this.manager.release(this.session);
  }
}

/** The snapshot as txid_snapshot writes it. That of a standby names no running transactions. */
export async function snapshotNow(
  session: Session,
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly ofStandby: boolean }> {
  const [row] = await session.query(
    `SELECT pg_catalog.txid_current_snapshot()::text AS s, CASE WHEN pg_catalog.pg_is_in_recovery() THEN 1 ELSE 0 END AS r`,
    { doing: 'taking a snapshot', signal },
  );
  return { text: String(row?.['s']), ofStandby: Number(row?.['r']) === 1 };
}

/** A commit that did not wait for the disk is flushed within three rounds of the WAL writer, of 200 ms by default. */
const FLUSH_ROUNDS = 14;
const FLUSH_ROUND_SECONDS = 0.05;

/**
 * Where the log ends now, as far as it can be decoded. Commits that the snapshot sees may not be on the disk yet: they are
 * waited for. What does not come in time is left to the next sync.
 */
async function endOfLog(
  session: Session,
  signal: AbortSignal,
): Promise<{ readonly upTo: string; readonly isWhole: boolean }> {
  const { written, readable: first } = await logEnd(session, signal);
  let readable = first;
  for (let round = 1; round <= FLUSH_ROUNDS && parseLsn(readable) < parseLsn(written); round += 1) {
    await sleep(FLUSH_ROUND_SECONDS, signal);
    readable = (await logEnd(session, signal)).readable;
  }
  return { upTo: earlier(written, readable), isWhole: parseLsn(readable) >= parseLsn(written) };
}

function older(one: string, other: string): string {
  return BigInt(one) < BigInt(other) ? one : other;
}

function loggedTable(run: TableRun, { confirmed, reached }: LogOutlook): LoggedTable {
  const { table } = run.planned;
  return {
    oids: run.logged?.oids ?? [],
    keyColumns: table.primaryKey,
    since: knownUntil(run.committed, reached) ?? confirmed,
    keyWithin: run.logged?.wholeRows === true ? undefined : keyWithin(table.columns, table.primaryKey),
  };
}

/** Most characters of a value, for types where that is known. */
const WIDTHS: Readonly<Record<string, number>> = {
  bool: 1,
  int2: 6,
  int4: 11,
  int8: 20,
  oid: 10,
  uuid: 36,
  date: 13,
  timestamp: 32,
  timestamptz: 35,
  float4: 16,
  float8: 24,
};
const OTHER_WIDTH = 64;

/**
 * In how many bytes of a message both keys are, the old and the new, if no value before them is unusually long. A guess
 * that is too low costs a second reading.
 */
function keyWithin(columns: readonly ColumnSchema[], key: readonly string[]): number {
  const width = ({ sourceType: { schema, name, isArray } }: ColumnSchema): number =>
    5 + (schema === 'pg_catalog' && !isArray ? (WIDTHS[name] ?? OTHER_WIDTH) : OTHER_WIDTH);
  const inOrder = [...columns].sort((one, other) => one.place - other.place);
  const last = inOrder.findLastIndex(({ name }) => key.includes(name));
  const sum = (some: readonly ColumnSchema[]): number => some.reduce((total, column) => total + width(column), 0);
  const oldKey = sum(columns.filter(({ name }) => key.includes(name))) + columns.length;
  return 16 + oldKey + sum(inOrder.slice(0, last + 1));
}

function sourceChanged(): ConnectorError {
  return new ConnectorError('The server was promoted, restored or replaced by another during the sync.', {
    code: 'source_changed',
    kind: 'source',
    hint: 'Run the sync again: its tables are then loaded from the start.',
  });
}
