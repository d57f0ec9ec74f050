/**
 * The last pass of a load that took more than one snapshot. It reads the rows that may have changed since the first
 * snapshot, then the keys that still exist, both under one snapshot. full-load says why.
 */
import { ConnectorError } from '../../common/errors';
import { readRange, statesUnder, withTransaction } from '../../postgres/read';
import { changedSince } from './changed-since';
import { KeyComparison } from './key-comparison';
import type { ProcessorOptions } from './processor-options';
import { compareKeys } from './kept-keys';
import { loadAnew, type TableRun, xidsComparable } from '../plan';
import { takeSnapshot } from './take-snapshot';
import { wholeRelation } from './whole-relation';

export interface CaughtUp {
  /** The xmin of the snapshot that the load corresponds to now. */
  readonly xmin: string;
  /** Rows that the load must have; undefined where they were not counted. */
  readonly rows: number | undefined;
}

export class CatchUp {
  private readonly keys: KeyComparison;

  constructor(private readonly options: ProcessorOptions) {
    this.keys = new KeyComparison(options);
  }

  async run(run: TableRun): Promise<CaughtUp> {
    const { manager, writer, logger } = this.options;
    const { progress } = run;
    if (progress === null)
      throw new ConnectorError(`No load of ${run.key} to catch up.`, { code: 'no_load', kind: 'internal' });
    logger.info(`Catching up ${run.key}: rows changed since its first snapshot`);
    if (!run.loadOpen) await writer.begin(run, progress, true);
    const signal = AbortSignal.any([this.options.signal, run.stopSignal]);
    return await withTransaction(manager, signal, async (session) => {
      const snapshot = await takeSnapshot(run, session, signal);
      const states = await statesUnder(session, snapshot, run.planned.table.relations, signal);
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
      const { kept } = run.ofEarlierSyncs
        ? await compareKeys(session, run, progress, snapshot.xmin, signal)
        : { kept: undefined };
      if (kept === false) {
        await writer.abandon(run);
        throw loadAnew(`${run.key} has changed since an earlier sync began to load it; it is read from the start.`);
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
      if (kept === true) return { xmin: snapshot.xmin, rows: undefined };
      const rows = await this.keys.collect(run, { session, snapshot, signal });
      await writer.keepOnlyKeys(run);
      return { xmin: snapshot.xmin, rows: writer.comparesKeys ? rows : undefined };
    });
  }
}
