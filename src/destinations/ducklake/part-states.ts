/** Stands in the place of the tables' states while a load in parts is written: a commit begins it, or ends one part. */
import { randomBytes } from 'node:crypto';
import { ConnectorError } from '../../common/errors';
import type { PartsStatus } from '../../model/parts';
import type { LoadProgress, TableState } from '../../model/sync-state';
import { blockRange, type TidRange } from '../../model/tid-range';
import { loadTableName, type StateRows, type Warehouse } from '../duckdb';
import type { PartsWork } from '../parts';
import { lakeConflict } from './errors';
import { PartRows } from './part-rows';
import { LakeStates } from './state-rows';

/** Each load has a table of its own, so that rows of a part come into no other load. */
export function partsTableName(table: string, load: string): string {
  return loadTableName(`${load}_${table}`);
}

export function apartTableName(table: string, load: string, number: number): string {
  return partsTableName(table, `${load}_${number}`);
}

export class PartStates implements StateRows {
  readonly rows: PartRows;
  readonly load: string;
  /** The rows that are written now go to a table of the part's own. */
  writesApart = false;
  private readonly states = new LakeStates();

  constructor(
    private readonly work: PartsWork,
    private readonly schema: string,
  ) {
    this.rows = new PartRows(schema, work.table);
    this.load = work.kind === 'load' ? work.load : randomBytes(6).toString('hex');
  }

  /** Name of the table in which the rows gather that are written now. */
  gathering(table: string): string {
    const { work } = this;
    if (work.kind === 'load' && this.writesApart) return apartTableName(table, this.load, work.number);
    return partsTableName(table, this.load);
  }

  /** The generation of the table's state. */
  get generation(): number {
    return this.states.generationOf(this.schema, this.work.table);
  }

  positionTable(schema: string): string {
    return this.states.positionTable(schema);
  }

  async make(warehouse: Warehouse, schema: string): Promise<void> {
    await this.states.make(warehouse, schema);
  }

  async entries(warehouse: Warehouse, schema: string): Promise<[key: string, entry: string][]> {
    const { work } = this;
    if (work.kind !== 'load') return await this.states.entries(warehouse, schema);
    const status = await this.rows.read(warehouse);
    const part = status?.toDo.find(({ number }) => number === work.number);
    if (status === undefined || status.load !== work.load || part === undefined) return [];
    const { fromBlock, toBlock } = part;
    return [[work.table, JSON.stringify(withPending(status.state, 0, [blockRange(fromBlock, toBlock)]))]];
  }

  async store(warehouse: Warehouse, _schema: string, states: ReadonlyMap<string, TableState | null>): Promise<void> {
    const { work } = this;
    for (const [key, state] of states) {
      if (state === null || state.load === null || key !== work.table || work.kind === 'finish')
        throw new ConnectorError(`A load in parts has nothing to commit of ${key}.`, {
          code: 'no_load',
          kind: 'internal',
        });
      if (work.kind === 'begin') {
        const { load, generation } = this;
        await this.rows.begin(warehouse, { load, generation, state, parts: work.cut(state) });
        continue;
      }
      const status = await this.rows.read(warehouse);
      const part = status?.toDo.find(({ number }) => number === work.number);
      if (status === undefined || status.load !== work.load || part === undefined) throw lakeConflict(warehouse.path);
      if (state.load.relations.some(({ pending }) => pending.length > 0))
        throw new ConnectorError(`A part of ${key} would be committed that was not read to its end.`, {
          code: 'part_not_read',
          kind: 'internal',
        });
      await this.rows.done(warehouse, status, {
        number: part.number,
        rows: state.load.rows,
        apart: this.writesApart,
      });
    }
  }

  /** Makes the parts that have come the load of the table. */
  async putLoad(warehouse: Warehouse, { state, rows, parts }: PartsStatus): Promise<void> {
    const { load } = withPending(state, rows, []);
    // Each part had a snapshot of its own.
    const whole = { ...state, load: load === null ? null : { ...load, snapshots: parts.length + 1 } };
    await this.states.store(warehouse, this.schema, new Map([[this.work.table, whole]]));
  }

  ended(how: 'COMMIT' | 'ROLLBACK'): void {
    this.states.ended(how);
  }
}

function withPending(state: TableState, rows: number, pending: readonly TidRange[]): TableState {
  const of = (load: LoadProgress): LoadProgress => ({
    ...load,
    rows,
    relations: load.relations.map((relation) => ({ ...relation, pending })),
  });
  return { ...state, load: state.load === null ? null : of(state.load) };
}
