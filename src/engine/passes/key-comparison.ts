/** Reads all keys that exist under one snapshot, for the destination to compare with its own. */
import { ConnectorError } from '../../common/errors';
import type { PackedBatch } from '../../model/packed-batch';
import { readCursor, readRange, relationStates, withTransaction, type SelectColumn } from '../../postgres/read';
import type { Session } from '../../postgres/connection';
import type { ProcessorOptions } from './processor-options';
import type { TableRun } from '../plan';
import { takeSnapshot } from './take-snapshot';
import { wholeRelation, type WholeRelation } from './whole-relation';

export class KeyComparison {
  constructor(private readonly options: ProcessorOptions) {}

  /** Reads all keys under a snapshot of their own, then runs `compare`, and returns its result. */
  async run(run: TableRun, compare: () => Promise<number>): Promise<number> {
    const signal = AbortSignal.any([this.options.signal, run.stopSignal]);
    await withTransaction(this.options.manager, signal, async (session) => {
      await takeSnapshot(run, session, signal);
      await this.collect(run, session, signal);
    });
    return await compare();
  }

  /** Hands the keys under the session's snapshot that meet the conditions to the writer; returns how many there are. */
  async collect(
    run: TableRun,
    session: Session,
    signal: AbortSignal,
    conditions: readonly string[] = [],
  ): Promise<number> {
    const { writer } = this.options;
    const { relations } = run.planned.table;
    const states = await relationStates(session, relations, signal);
    await writer.beginKeys(run);
    let keys = 0;
    for (const relation of relations) {
      const blocks = states.get(relation.oid)?.blocks ?? 0;
      for await (const batch of this.keysOf(run, session, { relation, blocks, conditions, signal })) {
        keys += batch.rowCount;
        await writer.keys(run, batch);
      }
    }
    return keys;
  }

  private async *keysOf(
    run: TableRun,
    session: Session,
    what: Omit<WholeRelation, 'columns'>,
  ): AsyncGenerator<PackedBatch, void, void> {
    const columns = keyColumns(run);
    if (what.relation.rangeReadable) {
      for await (const { batch } of readRange(session, wholeRelation(run, this.options, { ...what, columns })))
        yield batch;
      return;
    }
    const { batchBytes } = this.options;
    yield* readCursor(session, {
      relation: what.relation,
      columns,
      conditions: [...run.selection.conditions, ...what.conditions],
      batchBytes,
      batchRows: () => this.options.batchRows(run),
      signal: what.signal,
    });
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
