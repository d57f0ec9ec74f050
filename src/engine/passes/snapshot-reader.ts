/** Reads the pending ranges of a table under one snapshot, with as many readers as there are slots for. */
import { asConnectorError, type ConnectorError } from '../../common/errors';
import { settleAll } from '../../common/settle-all';
import type { RelationProgress } from '../../model/sync-state';
import type { Relation } from '../../model/table';
import type { TidRange } from '../../model/tid-range';
import {
  readRange,
  BatchSizer,
  readCursor,
  leastDigits,
  withTransaction,
  type SnapshotInfo,
} from '../../postgres/read';
import type { Clock, Session } from '../../postgres/connection';
import { applyBatchRules } from '../rules';
import { withJoinedSession } from './join-snapshot';
import type { ProcessorOptions } from './processor-options';
import { changeConditions } from './change-conditions';
import type { PassBeginning } from './pass-beginning';
import { PassPreparation, WHOLE } from './pass-preparation';
import { ScannedKeys } from './scanned-keys';
import { isFar, worthALogin } from '../pressure';
import { partitionBytes, planPartitions, type Partition, type PartitionSize, type TableRun } from '../plan';

/** The readers of one table under one snapshot, and the state that they share. */
interface Epoch {
  readonly run: TableRun;
  readonly snapshot: SnapshotInfo;
  readonly queue: Partition[];
  readonly sizers: ReadonlyMap<number, BatchSizer>;
  /** Ends the epoch early; the next one reads the rest. */
  readonly shouldEnd: () => boolean;
  /** Milliseconds until the snapshot is given up; Infinity where the table must be read under a single one. */
  readonly leftMs: () => number;
  readonly beginning: PassBeginning;
  /** undefined: keys are not taken. */
  readonly keys: ScannedKeys | undefined;
  /** Batches that still wait for room in the queue when their reader has ended. */
  readonly waiting: Promise<void>[];
  /** Counts the rows that the rules let through, changed or not. */
  readonly count: (rows: number) => void;
  readonly signal: AbortSignal;
}

/** The result of reading under one snapshot, which is still held. */
export interface CompleteReading {
  readonly session: Session;
  readonly snapshot: SnapshotInfo;
  readonly beginning: PassBeginning;
  /** Rows that the rules let through, changed or not; undefined where a part was read under another snapshot. */
  readonly sourceRows: number | undefined;
  /** How many keys the destination has of all of these rows; undefined: none. */
  readonly keys: number | undefined;
  readonly signal: AbortSignal;
}

export class SnapshotReader {
  private readonly preparation: PassPreparation;

  constructor(
    private readonly options: ProcessorOptions,
    private readonly clock: Clock,
  ) {
    this.preparation = new PassPreparation(options);
  }

  /**
   * Returns when nothing is pending, or the snapshot should be given up; rejects with the first reader's error.
   * `complete` is called under the snapshot once everything that was pending has been read.
   */
  async read(
    run: TableRun,
    complete: (reading: CompleteReading) => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const { manager, pool } = this.options;
    const stop = new AbortController();
    const signal = AbortSignal.any([this.options.signal, run.stopSignal, stop.signal]);
    const waiting: Promise<void>[] = [];
    try {
      await withTransaction(manager, signal, async (session) => {
        // This happens while the snapshot is taken, which the next reader joins.
        if (session.allowances.sharesSnapshots && this.mayBeShared(run) && pool.hasRoom) manager.openAhead();
        const startedMs = this.clock();
        const snapshot = await this.preparation.takeSnapshot(run, session, signal);
        const resumed = run.progress !== null;
        const beginning = await this.preparation.prepare(run, session, snapshot, signal);
        let rows = 0;
        const keys = resumed ? undefined : ScannedKeys.begin(this.options.writer, run, beginning);
        const ageMs = (): number => this.clock() - startedMs;
        const epoch: Epoch = {
          run,
          snapshot,
          queue: this.partitions(run, beginning.relations),
          sizers: this.sizers(run),
          shouldEnd: () => run.resumable && (ageMs() > this.options.snapshotMaxAgeMs || manager.expired(session)),
          leftMs: () => (run.resumable ? this.options.snapshotMaxAgeMs - ageMs() : Infinity),
          beginning,
          keys,
          waiting,
          count: (counted) => (rows += counted),
          signal,
        };
        await this.readAll(epoch, session, stop);
        if (epoch.queue.length > 0 || run.stopSignal.aborted) {
          // The next snapshot continues from what this one has read, so the state must have it.
          waiting.push(beginning.begin());
          return;
        }
        if (beginning.hasBegun) waiting.push(beginning.begin());
        const sourceRows = resumed ? undefined : rows;
        await complete({ session, snapshot, beginning, sourceRows, keys: keys?.count, signal });
      });
    } catch (error) {
      // A batch that comes into the queue later would be read again, and be there twice.
      await Promise.allSettled(waiting);
      throw error;
    }
    // This comes before the rest is planned: a range that is not written yet counts as not read.
    await settleAll(waiting);
  }

  private partitions(run: TableRun, relations: readonly RelationProgress[]): Partition[] {
    const pending = new Map(relations.map((relation) => [relation.oid, relation.pending]));
    const size = partitionSize(run, this.options);
    return run.planned.table.relations.flatMap((relation) => {
      const ranges = pending.get(relation.oid) ?? [];
      if (relation.rangeReadable) return planPartitions(relation, ranges, size);
      return ranges.length === 0 ? [] : [{ relation, range: null }];
    });
  }

  /** Whether a second reader will find something to read that is worth its login, as far as is known before the snapshot. */
  private mayBeShared(run: TableRun): boolean {
    const { table, threads, readMethod } = run.planned;
    if (threads < 2 || readMethod !== 'ranges') return false;
    const size = partitionSize(run, this.options);
    const partitions = Math.max(table.estimatedRows / size.rows, table.bytes / size.bytes);
    return partitions > 1 && worthALogin(partitions, this.options.roundTripMs);
  }

  private sizers(run: TableRun): ReadonlyMap<number, BatchSizer> {
    return new Map(run.planned.table.relations.map((relation) => [relation.oid, this.sizer(run, relation)]));
  }

  private sizer(run: TableRun, { rows, blocks, bytes }: Relation): BatchSizer {
    const { batchBytes, roundTripMs, writer } = this.options;
    const sparse = run.readsChanges;
    const mayBeBinary = sparse || writer.takesBinary(run);
    const leastBytesPerRow = mayBeBinary ? leastDigits(run.selection.columns) : 0;
    const far = isFar(roundTripMs);
    return new BatchSizer({ estimatedRows: rows, blocks, bytes, batchBytes, sparse, leastBytesPerRow, far });
  }

  private async readAll(epoch: Epoch, session: Session, stop: AbortController): Promise<void> {
    const noMoreWork = new AbortController();
    let failure: ConnectorError | undefined;
    const fail = (error: unknown): void => {
      failure ??= asConnectorError(error);
      stop.abort();
    };
    const shared =
      epoch.snapshot.id !== null &&
      epoch.run.planned.readMethod === 'ranges' &&
      (this.options.manager.hasIdle || worthALogin(epoch.queue.length, this.options.roundTripMs));
    const wanted = shared ? epoch.run.planned.threads : 1;
    const helpers = Array.from({ length: Math.max(0, Math.min(wanted, epoch.queue.length) - 1) }, () =>
      this.help(epoch, noMoreWork.signal).catch(fail),
    );
    await this.readPartitions(epoch, session, () => false).catch(fail);
    noMoreWork.abort();
    await Promise.all(helpers);
    if (failure !== undefined) throw failure;
    // A reader that left for other tables has put back its partition, so this snapshot is still good for it.
    if (epoch.queue.length > 0 && !epoch.shouldEnd()) await this.readPartitions(epoch, session, () => false);
  }

  /** A further reader comes when there is a slot, and leaves when nothing is left or too many readers run. */
  private async help(epoch: Epoch, noMoreWork: AbortSignal): Promise<void> {
    const { pool, manager } = this.options;
    const waiting = AbortSignal.any([epoch.signal, noMoreWork]);
    while (epoch.queue.length > 0 && !epoch.shouldEnd() && !waiting.aborted) {
      try {
        await pool.acquire(epoch.run.position, waiting);
      } catch {
        return;
      }
      try {
        if (epoch.queue.length === 0) return;
        const { relations } = epoch.run.planned.table;
        const joined = await withJoinedSession(manager, epoch.snapshot, relations, epoch.signal, async (session) => {
          await this.readPartitions(epoch, session, () => pool.crowded || manager.expired(session));
        });
        if (!joined) return;
      } finally {
        pool.release();
      }
    }
  }

  /** Reads partitions until there are none; `shouldLeave` is asked between batches. */
  private async readPartitions(epoch: Epoch, session: Session, shouldLeave: () => boolean): Promise<void> {
    // The first batch is read without asking: however short its time, a snapshot must bring the table forward.
    for (let first = true; first || !(epoch.shouldEnd() || shouldLeave()); first = false) {
      const partition = epoch.queue.shift();
      if (partition === undefined) return;
      if (partition.range === null) {
        await this.readByCursor(epoch, session, partition.relation);
        continue;
      }
      const rest = await this.readByRanges(
        epoch,
        session,
        partition.relation,
        partition.range,
        () => epoch.shouldEnd() || shouldLeave(),
      );
      if (rest.lo < rest.hi) epoch.queue.unshift({ relation: partition.relation, range: rest });
    }
  }

  /** Returns the part that it left unread. */
  private async readByRanges(
    epoch: Epoch,
    session: Session,
    relation: Relation,
    range: TidRange,
    shouldLeave: () => boolean,
  ): Promise<TidRange> {
    const { run } = epoch;
    const batches = readRange(session, {
      relation,
      columns: run.selection.columns,
      conditions: run.selection.conditions,
      changedOnly: run.readsChanges ? changeConditions(run, relation.oid) : undefined,
      byPlace: !run.planned.table.rowSecurity,
      allOf: epoch.keys?.column,
      range,
      sizer: epoch.sizers.get(relation.oid) ?? this.sizer(run, relation),
      batchBytes: this.options.batchBytes,
      batchRows: () => this.options.batchRows(run),
      binary: () => this.options.writer.takesBinary(run),
      signal: epoch.signal,
    });
    let done = range.lo;
    // Reads one batch ahead of the writer: the next statement runs while this batch waits for room.
    for await (const { batch, range: covered, total, all } of ahead(batches)) {
      epoch.count(total ?? batch.rowCount);
      if (all !== undefined) await epoch.keys?.take(all);
      done = covered.hi;
      if (batch.rowCount === 0 && !epoch.beginning.hasBegun) {
        epoch.beginning.nothingIn(relation.oid, covered);
        if (shouldLeave()) break;
        continue;
      }
      void epoch.beginning.begin();
      const rows = applyBatchRules(batch, run.selection.columns, run.selection.batchRules);
      const accepted = this.options.writer.batch(run, rows, relation.oid, covered);
      if (!(await inTime(accepted, epoch.leftMs()))) {
        // A slow destination must not keep the snapshot, and with it dead rows, on the server.
        accepted.catch(() => undefined);
        epoch.waiting.push(accepted);
        break;
      }
      if (shouldLeave()) break;
    }
    return { lo: done, hi: range.hi };
  }

  private async readByCursor(epoch: Epoch, session: Session, relation: Relation): Promise<void> {
    const { run } = epoch;
    const { writer } = this.options;
    // A relation counts only when all of it is read, because a cursor cannot be resumed.
    const nothing: TidRange = { lo: 0, hi: 0 };
    // Rows that come through the root of a table may have no transaction ids, but they have the key.
    const byKey = run.pass.kind === 'by-timestamp';
    const batches = readCursor(session, {
      relation,
      columns: run.selection.columns,
      conditions: [...run.selection.conditions, ...(byKey ? changeConditions(run, relation.oid) : [])],
      batchBytes: this.options.batchBytes,
      batchRows: () => this.options.batchRows(run),
      signal: epoch.signal,
    });
    for await (const batch of batches) {
      epoch.count(batch.rowCount);
      void epoch.beginning.begin();
      await writer.batch(
        run,
        applyBatchRules(batch, run.selection.columns, run.selection.batchRules),
        relation.oid,
        nothing,
      );
    }
    await writer.settled();
    run.advance(relation.oid, WHOLE, 0);
  }
}

/** Most rows of a partition have not changed, and a statement that returns none of them is short. */
const CHANGES_PARTITION_FACTOR = { near: 4, far: 32 };

function partitionSize(run: TableRun, { batchBytes, roundTripMs }: ProcessorOptions): PartitionSize {
  const factor = run.readsChanges ? CHANGES_PARTITION_FACTOR[isFar(roundTripMs) ? 'far' : 'near'] : 1;
  return { rows: factor * run.planned.partitionRows, bytes: factor * partitionBytes(batchBytes) };
}

/** Whether the promise settles within so many milliseconds; rejects with it. */
async function inTime(promise: Promise<void>, limitMs: number): Promise<boolean> {
  if (limitMs === Infinity) {
    await promise;
    return true;
  }
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(limitMs, 0));
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Requests the next element before the present one is used. */
async function* ahead<T>(source: AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
  let next = source.next();
  // On an early exit we still await the running statement and ignore its error.
  next.catch(() => undefined);
  try {
    for (;;) {
      const current = await next;
      if (current.done === true) return;
      next = source.next();
      next.catch(() => undefined);
      yield current.value;
    }
  } finally {
    await next.catch(() => undefined);
    await source.return();
  }
}
