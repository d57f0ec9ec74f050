/** Reads a table of a single batch by one statement that is its own snapshot: no transaction, no export. */
import { ConnectorError } from '../../common/errors';
import type { LoadProgress } from '../../model/sync-state';
import type { Relation } from '../../model/table';
import { checkLayout } from '../../postgres/catalog';
import { isTooLarge } from '../../postgres/connection';
import { packedQuerySql, unpackResult } from '../../postgres/read';
import { singleStatementRelation, type TableRun } from '../plan';
import { applyBatchRules } from '../rules';
import { startOfPass, WHOLE } from './pass-preparation';
import type { ProcessorOptions, ReadAtOnce } from './processor-options';
import { factsOf, wholeTableQuery } from './single-statement-query';

/** Returns the snapshot's xmin, or undefined where the table turned out to need more than one statement. */
export async function readAtOnce(run: TableRun, options: ProcessorOptions): Promise<string | undefined> {
  const relation = singleStatementRelation(run, options.batchBytes);
  if (relation === undefined) return undefined;
  const { table, batchRows } = run.planned;
  const { writer } = options;
  options.batchRows(run);
  const read = (await options.joint?.take(run)) ?? (await readAlone(run, relation, options));
  if (read === undefined) return undefined;
  const { row, query } = read;
  const doing = `reading ${run.key}`;
  const result = unpackResult(row, query, doing);
  if (result.outcome !== 'batch' || result.batch.rowCount > batchRows * 2) return undefined;
  const { xmin, fileNode, layout } = factsOf(result.extra);
  checkLayout(table, layout);
  const progress: LoadProgress = {
    startedAt: startOfPass(run),
    signature: run.signature,
    source: run.source,
    firstXmin: xmin,
    watermark: null,
    snapshots: 1,
    rows: 0,
    relations: [{ oid: relation.oid, fileNode, pending: [WHOLE] }],
  };
  await writer.begin(run, progress, false);
  await writer.batch(
    run,
    applyBatchRules(result.batch, run.selection.columns, run.selection.batchRules),
    relation.oid,
    WHOLE,
  );
  await writer.settled();
  return xmin;
}

/** undefined: the table has more than its size on disk promised. It is read in pieces, which shrink until they fit. */
async function readAlone(
  run: TableRun,
  relation: Relation,
  options: ProcessorOptions,
): Promise<ReadAtOnce | undefined> {
  const { manager } = options;
  const signal = AbortSignal.any([options.signal, run.stopSignal]);
  const query = wholeTableQuery(run, relation, options, options.batchBytes * 2);
  const session = await manager.lease(signal);
  try {
    const [row] = await session.query(packedQuerySql(query), { doing: `reading ${run.key}`, reads: run.key, signal });
    return { query, row };
  } catch (error) {
    if (error instanceof ConnectorError && (isTooLarge(error) || error.sqlState === '57014')) return undefined;
    throw error;
  } finally {
    await manager.release(session);
  }
}
