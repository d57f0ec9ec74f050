/**
 * A pass over the rows at or after the watermark of a replication key, which the key's index finds. Where a large part
 * of the table has changed, it scans ranges instead: many rows of one moment make pages by key slow.
 */
import { ConnectorError } from '../../common/errors';
import type { ColumnSchema, TableSchema } from '../../model/table';
import type { TidRange } from '../../model/tid-range';
import { quoteIdentifier, quoteLiteral, quoteQualified, type Session } from '../../postgres/connection';
import { readByKey, ROW_ALIAS, withTransaction } from '../../postgres/read';
import type { TableRun } from '../plan';
import { applyBatchRules } from '../rules';
import type { ByXmin } from './by-xmin';
import type { ChangesEnd } from './changes-end';
import { PassPreparation } from './pass-preparation';
import { KeyComparison } from './key-comparison';
import type { Pass, PassResult } from './pass';
import type { ProcessorOptions } from './processor-options';

/** Above this share of the table, by the planner's estimate, ranges are scanned rather than the index. */
const MAX_INDEX_SHARE = 0.1;

/** Rows at or after this value of the replication key are read. */
interface Page {
  readonly key: ColumnSchema;
  readonly watermark: string;
}

export class ByTimestamp implements Pass {
  private readonly preparation: PassPreparation;
  private readonly keys: KeyComparison;

  constructor(
    private readonly options: ProcessorOptions,
    private readonly byRanges: ByXmin,
    private readonly end: ChangesEnd,
  ) {
    this.preparation = new PassPreparation(options);
    this.keys = new KeyComparison(options);
  }

  async run(run: TableRun, releaseSlot: () => void): Promise<PassResult | undefined> {
    run.forgetUnlessOpen();
    const complete = await this.readIndex(run);
    const { pass } = run;
    if (!complete || pass.kind !== 'by-timestamp') return await this.byRanges.readAndFinish(run, releaseSlot);
    if (run.failure !== undefined) throw run.failure;
    const { writer } = this.options;
    // The watermark proves nothing about deleted rows.
    const deleted = pass.proof === 'none' ? undefined : await this.keys.run(run, () => writer.markMissing(run));
    releaseSlot();
    return await this.end.finish(run, deleted);
  }

  /** Returns false where ranges must be scanned. */
  private async readIndex(run: TableRun): Promise<boolean> {
    const { table } = run.planned;
    const key = table.columns.find(({ name }) => name === run.decision.replicationKey);
    const watermark = run.committed?.watermark ?? null;
    if (key === undefined || watermark === null) return false;
    // Pages need ctid to tell rows of one moment apart, and ctid is not unique through the root.
    if (table.throughRoot !== undefined || table.relations.some(({ withoutSystemColumns }) => withoutSystemColumns))
      return false;
    const signal = AbortSignal.any([this.options.signal, run.stopSignal]);
    return await withTransaction(this.options.manager, signal, async (session) => {
      const snapshot = await this.preparation.takeSnapshot(run, session, signal);
      if ((await estimatedShare(session, table, { key, watermark }, signal)) > MAX_INDEX_SHARE) return false;
      const beginning = await this.preparation.prepare(run, session, snapshot, signal);
      await beginning.begin();
      // A partition that was attached may hold old keys, and so may a table that was filled again.
      if (run.readWhole.size > 0 || run.pass.kind !== 'by-timestamp') return false;
      await this.readPages(run, session, { key, watermark }, signal);
      return true;
    });
  }

  private async readPages(run: TableRun, session: Session, page: Page, signal: AbortSignal): Promise<void> {
    const { writer } = this.options;
    const { columns, conditions, batchRules } = run.selection;
    for (const relation of run.planned.table.relations) {
      for (const watermark of page.key.nullable ? [page.watermark, null] : [page.watermark]) {
        const pages = readByKey(session, {
          relation,
          columns,
          conditions,
          key: page.key.name,
          keyType: page.key.sourceType.name,
          watermark,
          batchBytes: this.options.batchBytes,
          batchRows: () => this.options.batchRows(run),
          signal,
        });
        for await (const rows of pages)
          await writer.batch(run, applyBatchRules(rows, columns, batchRules), relation.oid, NO_RANGE);
      }
    }
    await writer.settled();
    run.nothingPending();
  }
}

/** Pages by key cover no range. */
const NO_RANGE: TidRange = { lo: 0, hi: 0 };

interface PlanNode {
  readonly 'Plan Rows': number;
}

/** The planner's estimate of how much of the table is at or after the watermark. */
async function estimatedShare(
  session: Session,
  table: TableSchema,
  { key, watermark }: Page,
  signal: AbortSignal,
): Promise<number> {
  const [row] = await session.query(
    `EXPLAIN (FORMAT JSON) SELECT FROM ${quoteQualified(table.schema, table.name)} AS ${ROW_ALIAS} ` +
      `WHERE ${ROW_ALIAS}.${quoteIdentifier(key.name)} >= ${quoteLiteral(watermark)}::${key.sourceType.name}`,
    { doing: `estimating the changes of ${table.schema}.${table.name}`, signal },
  );
  const text = Object.values(row ?? {})[0];
  const plan = (JSON.parse(String(text)) as { Plan: PlanNode }[])[0]?.Plan;
  if (plan === undefined)
    throw new ConnectorError('The server returned no plan.', { code: 'explain', kind: 'source', retryable: true });
  return plan['Plan Rows'] / Math.max(table.estimatedRows, 1);
}
