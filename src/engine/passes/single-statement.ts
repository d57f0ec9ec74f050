/** Reads a table of a single batch by one statement that is its own snapshot: no transaction, no export. */
import { ConnectorError } from '../../common/errors';
import type { LoadProgress } from '../../model/sync-state';
import { checkLayout, presentLayout } from '../../postgres/catalog';
import { isTooLarge } from '../../postgres/connection';
import { leastDigits, packedQuerySql, SNAPSHOT_XMIN, unpackResult, type PackedQuery } from '../../postgres/read';
import { singleStatementRelation, type TableRun } from '../plan';
import { applyBatchRules } from '../rules';
import { startOfPass, WHOLE } from './pass-preparation';
import type { ProcessorOptions } from './processor-options';

/** Returns the snapshot's xmin, or undefined where the table turned out to need more than one statement. */
export async function readAtOnce(run: TableRun, options: ProcessorOptions): Promise<string | undefined> {
  const relation = singleStatementRelation(run, options.batchBytes);
  if (relation === undefined) return undefined;
  const { table, batchRows } = run.planned;
  const { manager, writer } = options;
  const signal = AbortSignal.any([options.signal, run.stopSignal]);
  const doing = `reading ${run.key}`;
  const query: PackedQuery = {
    relation,
    columns: run.selection.columns,
    conditions: run.selection.conditions,
    range: { lo: 0, hi: Infinity },
    // NULLs alone might make the digits too long, so then they are not used.
    packing:
      writer.takesBinary(run) && leastDigits(run.selection.columns) * relation.rows <= options.batchBytes
        ? 'binary'
        : 'plain',
    maxBytes: options.batchBytes * 2,
    extra: `concat_ws(' ', ${SNAPSHOT_XMIN}, pg_relation_filenode(${relation.oid}), ${presentLayout(table)})`,
  };
  options.batchRows(run);
  const session = await manager.lease(signal);
  let row;
  try {
    [row] = await session.query(packedQuerySql(query), { doing, reads: run.key, signal });
  } catch (error) {
    // The table has more than its size on disk promised: it is read in pieces, which shrink until they fit.
    if (error instanceof ConnectorError && (isTooLarge(error) || error.sqlState === '57014')) return undefined;
    throw error;
  } finally {
    await manager.release(session);
  }
  const result = unpackResult(row, query, doing);
  if (result.outcome !== 'batch' || result.batch.rowCount > batchRows * 2) return undefined;
  const [xmin = '', fileNode = '', layout] = String(result.extra).split(' ');
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
