/**
 * The last pass of a load that took more than one snapshot: the rows that may have changed since the first,
 * then the keys that still exist, both under one snapshot. See data-processor for why.
 */
import { ConnectorError } from '../common/errors';
import { readRange } from '../source/batch-reader';
import { ROW_ALIAS } from '../source/select-list';
import { endTransaction, relationStates } from '../source/snapshot';
import { KeyComparison } from './key-comparison';
import type { ProcessorOptions } from './processor-options';
import type { TableRun } from './table-run';
import { takeSnapshot } from './take-snapshot';
import { xidsComparable } from './sync-modes';
import { wholeRelation } from './whole-relation';

export class CatchUp {
  private readonly keys: KeyComparison;

  constructor(private readonly options: ProcessorOptions) {
    this.keys = new KeyComparison(options);
  }

  /** Returns the xmin of the snapshot that the load now shows. */
  async run(run: TableRun): Promise<string> {
    const { manager, writer, logger } = this.options;
    const { progress } = run;
    if (progress === null)
      throw new ConnectorError(`No load of ${run.key} to catch up.`, { code: 'no_load', kind: 'internal' });
    logger.info(`Catching up ${run.key}: rows changed since its first snapshot`);
    if (!run.loadOpen) await writer.begin(run, progress, true);
    const signal = AbortSignal.any([this.options.signal, run.stopSignal]);
    const session = await manager.lease(signal);
    try {
      const snapshot = await takeSnapshot(run, session, signal);
      const states = await relationStates(session, run.planned.table.relations, signal);
      const changedOnly = changedSince(progress.firstXmin);
      const marks = new Map(progress.relations.map(({ oid, fileNode }) => [oid, fileNode]));
      const rewritten = run.planned.table.relations.some(({ oid }) => states.get(oid)?.fileNode !== marks.get(oid));
      if (rewritten || !xidsComparable(progress.firstXmin, snapshot.xmin)) {
        await writer.abandon(run);
        throw new ConnectorError(`${run.key} was rewritten while it was read, or its load began too long ago.`, {
          code: 'table_rewritten',
          kind: 'source',
          retryable: true,
        });
      }
      for (const relation of run.planned.table.relations) {
        const blocks = states.get(relation.oid)?.blocks ?? 0;
        const changed = wholeRelation(run, this.options, {
          relation,
          blocks,
          columns: run.selection.columns,
          conditions: [changedOnly],
          signal,
        });
        for await (const { batch } of readRange(session, changed)) await writer.latest(run, batch);
      }
      await writer.beginKeys(run);
      for (const relation of run.planned.table.relations) {
        await this.keys.readKeys(run, session, relation, states.get(relation.oid)?.blocks ?? 0, signal);
      }
      await writer.keepOnlyKeys(run);
      await endTransaction(session);
      await manager.release(session);
      return snapshot.xmin;
    } catch (error) {
      await manager.discard(session);
      throw error;
    }
  }
}

/**
 * Rows whose inserting transaction is at or after `xmin`. Rows carry 32 bits of it; age() compares them
 * modulo 2^32 against the present. A frozen row so old that it seems young is read without need, never the
 * other way round, as long as the first snapshot is less than 2^31 transactions ago.
 */
export function changedSince(xmin: string): string {
  const low = BigInt(xmin) & 0xffff_ffffn;
  // In a query of its own, which is evaluated once: the function is not inlined, and asks for each row.
  return `age(${ROW_ALIAS}.xmin) <= (SELECT age('${low}'::xid))`;
}
