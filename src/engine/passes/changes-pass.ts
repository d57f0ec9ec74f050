/**
 * A pass over what changed since the last one, upserted by key.
 *
 * xmin: every range is scanned for rows whose inserting transaction is not older than the last pass's
 * snapshot. A row that moves between two snapshots of a pass may be missed by it; the next pass begins at
 * the first snapshot of this one, and finds it.
 * timestamp: the replication key's index leads to the rows at or after the watermark. Where a good part of
 * the table is, ranges are scanned instead, since many rows of one moment make pages by key slow.
 * Both: with `reconcile`, keys are compared at the end, under one snapshot.
 */
import { ConnectorError } from '../../common/errors';
import type { FinishedLoad } from '../../destinations/destination';
import type { TidRange } from '../../model/tid-range';
import type { TableSchema } from '../../model/table';
import { readByKey, ROW_ALIAS, endTransaction } from '../../postgres/read';
import { type Session, quoteIdentifier, quoteLiteral, quoteQualified } from '../../postgres/connection';
import { applyBatchRules } from '../rules';
import { KeyComparison } from './key-comparison';
import { PassPreparation, startOfPass } from './pass-preparation';
import type { ProcessorOptions } from './processor-options';
import { finishedState } from './finished-state';
import type { SnapshotReader } from './snapshot-reader';
import type { TableRun } from '../plan';

/** Above this share of the table, by the planner's estimate, ranges are scanned rather than the index. */
const MAX_INDEX_SHARE = 0.1;

export class ChangesPass {
  private readonly preparation: PassPreparation;
  private readonly keys: KeyComparison;

  constructor(
    private readonly options: ProcessorOptions,
    private readonly reader: SnapshotReader,
  ) {
    this.preparation = new PassPreparation(options);
    this.keys = new KeyComparison(options);
  }

  /** undefined: changes do not suffice, and `run.pass` is now a load. */
  async run(run: TableRun, releaseSlot: () => void): Promise<FinishedLoad | undefined> {
    const { writer } = this.options;
    const mode = run.pass.kind === 'changes' ? run.pass.mode : undefined;
    if (mode === 'keys') await this.beginOnly(run);
    else if (mode !== 'timestamp' || !(await this.readIndex(run))) await this.readRanges(run);
    if (run.pass.kind !== 'changes') return undefined;
    await writer.settled();
    if (run.failure !== undefined) throw run.failure;
    let deleted = 0;
    const reconciled = run.pass.reconcile;
    if (reconciled) deleted = await this.keys.run(run, () => writer.markMissing(run));
    releaseSlot();
    const finished = await writer.finish(run, (result, progress) =>
      finishedState(run, result, progress, progress.firstXmin, reconciled),
    );
    return { rows: finished.rows, deleted };
  }

  /** A pass that reads no rows has a beginning all the same: the destination makes ready, and it has its time. */
  private async beginOnly(run: TableRun): Promise<void> {
    const { committed } = run;
    if (committed === null)
      throw new ConnectorError(`${run.key} was never synced.`, { code: 'no_state', kind: 'internal' });
    await this.options.writer.begin(
      run,
      {
        startedAt: startOfPass(run),
        signature: run.signature,
        source: committed.source ?? run.source,
        firstXmin: committed.xmin ?? '0',
        watermark: committed.watermark,
        snapshots: 1,
        rows: 0,
        relations: committed.relations.map((mark) => ({ ...mark, pending: [] })),
      },
      false,
    );
  }

  private async readRanges(run: TableRun): Promise<void> {
    while (!run.pendingEmpty && run.failure === undefined) {
      await this.reader.read(run);
      await this.options.writer.settled();
      if (run.pass.kind !== 'changes') return;
    }
  }

  /** False: too much has changed for the index. */
  private async readIndex(run: TableRun): Promise<boolean> {
    const { manager, writer } = this.options;
    const { table } = run.planned;
    const key = table.columns.find(({ name }) => name === run.decision.replicationKey);
    const watermark = run.committed?.watermark ?? null;
    if (key === undefined || watermark === null) return false;
    // Pages need ctid to tell rows of one moment apart, and through the root it is not unique.
    if (table.throughRoot !== undefined) return false;
    const signal = AbortSignal.any([this.options.signal, run.stopSignal]);
    const session = await manager.lease(signal);
    try {
      const snapshot = await this.preparation.takeSnapshot(run, session, signal);
      if ((await estimatedShare(session, table, key.name, key.sourceType.name, watermark, signal)) > MAX_INDEX_SHARE) {
        await endTransaction(session);
        await manager.release(session);
        return false;
      }
      const { begun } = await this.preparation.prepare(run, session, snapshot, signal);
      await begun;
      if (run.readWhole.size > 0 || !isByTimestamp(run)) {
        // A partition that was attached may hold old keys, and so may a table that was filled anew.
        await endTransaction(session);
        await manager.release(session);
        return false;
      }
      for (const relation of run.planned.table.relations) {
        for (const from of key.nullable ? [watermark, null] : [watermark]) {
          const pages = readByKey(session, {
            relation,
            columns: run.selection.columns,
            conditions: run.selection.conditions,
            key: key.name,
            keyType: key.sourceType.name,
            watermark: from,
            batchBytes: this.options.batchBytes,
            batchRows: () => this.options.batchRows(run),
            signal,
          });
          for await (const page of pages)
            await writer.batch(
              run,
              applyBatchRules(page, run.selection.columns, run.selection.batchRules),
              relation.oid,
              NOTHING,
            );
        }
      }
      await writer.settled();
      run.nothingPending();
      await endTransaction(session);
      await manager.release(session);
      return true;
    } catch (error) {
      await manager.discard(session);
      throw error;
    }
  }
}

/** A call, since the compiler would take an earlier look at the pass for the last word. */
function isByTimestamp(run: TableRun): boolean {
  return run.pass.kind === 'changes' && run.pass.mode === 'timestamp';
}

/** Pages by key cover no range. */
const NOTHING: TidRange = { lo: 0, hi: 0 };

interface PlanNode {
  readonly 'Plan Rows': number;
}

/** The planner's estimate of how much of the table is at or after the watermark. */
async function estimatedShare(
  session: Session,
  table: TableSchema,
  key: string,
  keyType: string,
  watermark: string,
  signal: AbortSignal,
): Promise<number> {
  const [row] = await session.query(
    `EXPLAIN (FORMAT JSON) SELECT FROM ${quoteQualified(table.schema, table.name)} AS ${ROW_ALIAS} ` +
      `WHERE ${ROW_ALIAS}.${quoteIdentifier(key)} >= ${quoteLiteral(watermark)}::${keyType}`,
    { doing: `estimating the changes of ${table.schema}.${table.name}`, signal },
  );
  const text = Object.values(row ?? {})[0];
  const plan = (JSON.parse(String(text)) as { Plan: PlanNode }[])[0]?.Plan;
  if (plan === undefined)
    throw new ConnectorError('The server returned no plan.', { code: 'explain', kind: 'source', retryable: true });
  return plan['Plan Rows'] / Math.max(table.estimatedRows, 1);
}
