/** Which keys exist: all of them read under one snapshot, for the destination to compare with its own. */
import { ConnectorError } from '../../common/errors';
import type { Relation } from '../../model/table';
import { readCursor, readRange, relationStates, withTransaction, type SelectColumn } from '../../postgres/read';
import type { Session } from '../../postgres/connection';
import type { ProcessorOptions } from './processor-options';
import type { TableRun } from '../plan';
import { takeSnapshot } from './take-snapshot';
import { wholeRelation } from './whole-relation';

export class KeyComparison {
  constructor(private readonly options: ProcessorOptions) {}

  /** Reads all keys, then lets `compare` do its part; returns what it returns. */
  async run(run: TableRun, compare: () => Promise<number>): Promise<number> {
    const signal = AbortSignal.any([this.options.signal, run.stopSignal]);
    await withTransaction(this.options.manager, signal, async (session) => {
      await takeSnapshot(run, session, signal);
      const states = await relationStates(session, run.planned.table.relations, signal);
      await this.options.writer.beginKeys(run);
      for (const relation of run.planned.table.relations) {
        await this.readKeys(run, session, relation, states.get(relation.oid)?.blocks ?? 0, signal);
      }
    });
    return await compare();
  }

  /** The keys of one relation, under the session's snapshot. */
  async readKeys(
    run: TableRun,
    session: Session,
    relation: Relation,
    blocks: number,
    signal: AbortSignal,
  ): Promise<void> {
    if (!relation.rangeReadable) {
      const { batchBytes } = this.options;
      const rows = readCursor(session, {
        relation,
        columns: keyColumns(run),
        conditions: run.selection.conditions,
        batchBytes,
        batchRows: () => this.options.batchRows(run),
        signal,
      });
      for await (const batch of rows) await this.options.writer.keys(run, batch);
      return;
    }
    const keys = wholeRelation(run, this.options, {
      relation,
      blocks,
      columns: keyColumns(run),
      conditions: [],
      signal,
    });
    const batches = readRange(session, keys);
    for await (const { batch } of batches) await this.options.writer.keys(run, batch);
  }
}

function keyColumns(run: TableRun): SelectColumn[] {
  return run.planned.table.primaryKey.map((key) => {
    const column = run.selection.columns.find((candidate) => candidate.name === key);
    if (column === undefined)
      throw new ConnectorError(`Key column ${key} of ${run.key} is not read.`, {
        code: 'key_missing',
        kind: 'internal',
      });
    return column;
  });
}
