/**
 * A pass over the rows whose keys the log names. The log is an index of what has changed, not a source of values: rows are
 * read by their keys like all others, under the snapshot that belongs to the log (log-moment). Keys that have no row
 * there were deleted, or are left out by a rule or a policy. Where there is neither, only keys of rows that went are asked
 * about: each other key has one row, and a count proves it.
 *
 * Deletes come before everything else. Two texts of a key may be equal (1.0 and 1.00): the one that has gone must not take
 * the row of the other one with it.
 */
import { asConnectorError, ConnectorError } from '../../common/errors';
import type { PackedBatch } from '../../model/packed-batch';
import type { LoadProgress } from '../../model/sync-state';
import type { ColumnSchema, Relation, TableSchema } from '../../model/table';
import { checkUnaltered } from '../../postgres/catalog';
import type { Session } from '../../postgres/connection';
import type { KeySet } from '../../postgres/log';
import {
  hasOneTextEach,
  lockUnderSnapshot,
  readKeyedRows,
  readMissingKeys,
  recover,
  type KeyedRead,
} from '../../postgres/read';
import { unseenFrom, type TableRun } from '../plan';
import { applyBatchRules } from '../rules';
import type { ChangesEnd } from './changes-end';
import { refuseManyDeletes } from './deletes-guard';
import { keyColumns } from './key-comparison';
import type { LogFollower } from './log-follower';
import type { LogMoment } from './log-moment';
import type { Pass, PassResult } from './pass';
import { startOfPass } from './pass-preparation';
import type { ProcessorOptions } from './processor-options';

/** A statement over more keys takes longer than 0.2 s. */
const KEYS_AT_ONCE = 20_000;
/**
 * SQLSTATE where a text is no value of the key's type: classes 22 (data) and 23 (constraints). A domain may have got a
 * constraint since that a deleted key does not meet.
 */
const NO_VALUE = /^2[23]/;
/** Rows that come by their keys cover no range of it. */
const NO_RANGE = { lo: 0, hi: 0 };

export class ByLog implements Pass {
  constructor(
    private readonly options: ProcessorOptions,
    private readonly end: ChangesEnd,
    private readonly follower: LogFollower | undefined,
  ) {}

  async run(run: TableRun, releaseSlot: () => void): Promise<PassResult | undefined> {
    const { writer } = this.options;
    run.forgetUnlessOpen();
    const moment = await this.follower?.momentFor(run);
    const deleted = await moment?.use((session) => this.read(run, moment, session));
    if (deleted === undefined) {
      // The log did not suffice after all. The other pass may need the connection that the snapshot has.
      await this.follower?.leave();
      // Nothing is pending of what an earlier attempt has begun by the log, but the other pass must read its ranges.
      if (run.loadOpen) await writer.abandon(run);
      return undefined;
    }
    await writer.settled();
    if (run.failure !== undefined) throw run.failure;
    releaseSlot();
    return await this.end.finish(run, deleted);
  }

  /** Returns how many rows were marked deleted; undefined: the run has another pass. */
  private async read(run: TableRun, moment: LogMoment, session: Session): Promise<number | undefined> {
    const { writer } = this.options;
    const signal = AbortSignal.any([this.options.signal, run.stopSignal]);
    const changes = moment.changesOf(run);
    if (changes === undefined)
      throw new ConnectorError(`The log was not asked about ${run.key}.`, { code: 'log_not_read', kind: 'internal' });
    try {
      const { table } = run.planned;
      if (!(await lockUnderSnapshot(session, [...new Set([rowsOf(table), ...table.relations])], signal))) {
        this.follower?.catchUp(run, 'was rewritten or truncated while the log was read');
        return undefined;
      }
      await checkUnaltered(session, table, signal);
      const read = this.keyedRead(run, signal);
      const { written, gone } = changes;
      const counts = showsEveryRow(run) && hasOneTextEach(read.key);
      const missing = await this.missing(session, run, read, counts ? [gone] : [written, gone]);
      await writer.begin(run, progressOf(run, moment), false);
      let deleted = await this.delete(run, missing);
      const rows = await this.rows(session, run, read, written);
      // Equal keys have equal texts here, so that the order of deletes and rows does not matter.
      if (counts && rows < written.size)
        deleted += await this.delete(run, await this.missing(session, run, read, [written]));
      return deleted;
    } catch (error) {
      // The other tables go on under the same snapshot.
      if (session.usable) await recover(session, this.options.signal);
      if (!session.usable || !NO_VALUE.test(asConnectorError(error).sqlState ?? '')) throw error;
      this.follower?.catchUp(run, 'cannot be asked about a key that the log names');
      return undefined;
    }
  }

  private async missing(
    session: Session,
    run: TableRun,
    read: KeyedRead,
    sets: readonly KeySet[],
  ): Promise<readonly PackedBatch[]> {
    const ofKeys = { ...read, columns: keyColumns(run), binary: () => false };
    const missing: PackedBatch[] = [];
    for (const set of sets) {
      for (const keys of set.chunks(() => this.keysAtOnce(run))) {
        for await (const batch of readMissingKeys(session, ofKeys, keys)) missing.push(batch);
      }
    }
    return missing;
  }

  /** Returns how many rows there are. */
  private async rows(session: Session, run: TableRun, read: KeyedRead, written: KeySet): Promise<number> {
    let count = 0;
    for (const keys of written.chunks(() => this.keysAtOnce(run))) {
      for await (const batch of readKeyedRows(session, read, keys)) {
        const rows = applyBatchRules(batch, run.selection.columns, run.selection.batchRules);
        await this.options.writer.batch(run, rows, run.planned.table.oid, NO_RANGE);
        count += batch.rowCount;
      }
    }
    return count;
  }

  private async delete(run: TableRun, missing: readonly PackedBatch[]): Promise<number> {
    if (missing.length === 0) return 0;
    const { writer, maxDeletesPercent } = this.options;
    const held = run.committed?.rows ?? 0;
    return await writer.markDeleted(run, missing, (marked) => {
      if (writer.comparesKeys) refuseManyDeletes(run, held, held - marked, maxDeletesPercent);
    });
  }

  private keysAtOnce(run: TableRun): number {
    return Math.min(this.options.batchRows(run), KEYS_AT_ONCE);
  }

  private keyedRead(run: TableRun, signal: AbortSignal): KeyedRead {
    const { table } = run.planned;
    return {
      relation: rowsOf(table),
      key: keyOf(table),
      columns: run.selection.columns,
      conditions: run.selection.conditions,
      batchBytes: this.options.batchBytes,
      binary: () => this.options.writer.takesBinary(run),
      signal,
    };
  }
}

/** Whether the table's rows are all read, not those alone that a rule or a policy lets through. */
function showsEveryRow({ planned, selection }: TableRun): boolean {
  return selection.conditions.length === 0 && planned.table.policies === undefined;
}

/** What a table of one relation is read from; of several, their root, which knows where a key belongs. */
function rowsOf(table: TableSchema): Relation {
  const [only, ...others] = table.relations;
  if (only !== undefined && others.length === 0 && table.kind !== 'partitioned') return only;
  const { oid, schema, name } = table;
  return { oid, schema, name, blocks: 0, rows: 0, bytes: 0, rangeReadable: false, includesChildren: true };
}

function keyOf(table: TableSchema): readonly ColumnSchema[] {
  return table.primaryKey.flatMap((key) => table.columns.filter(({ name }) => name === key));
}

function progressOf(run: TableRun, moment: LogMoment): LoadProgress {
  return {
    startedAt: startOfPass(run),
    signature: run.signature,
    source: run.source,
    firstXmin: moment.xmin ?? (run.committed === null ? null : unseenFrom(run.committed)) ?? moment.snapshot.xmin,
    watermark: null,
    snapshots: 1,
    rows: 0,
    relations: run.planned.table.relations.map(({ oid }) => ({
      oid,
      fileNode: moment.fileNodeOf(oid) ?? '',
      pending: [],
    })),
  };
}
