/** Stores what the warehouse keeps about its syncs: each table's state, the database it comes from, the last runs. */
import type { Origin } from '../../model/origin';
import type { RunRecord } from '../../model/run-record';
import type { LogPosition, TableState, TableStates } from '../../model/sync-state';
import type { OpenTables } from './open-tables';
import { storedLogPosition, storeLogPosition, type PositionPlace } from './log-position-row';
import { storedOrigin, storeOrigin } from './origin-row';
import { forgetInRuns, mayBeLeftOut, writeRun } from './run-history';
import { storedStates } from './state-rows';
import type { TableName } from './types';

export class WarehouseStates {
  /** For the next commit; null where a table has none any more. */
  private readonly newStates = new Map<string, TableState | null>();
  /** Tables that were synced and are gone from the warehouse, by key, with where they were. */
  tablesGone: ReadonlyMap<string, TableName> = new Map();

  constructor(private readonly tables: OpenTables) {}

  /** Reads what was committed last. */
  async read(): Promise<TableStates> {
    const { warehouse, schema, names, logger } = this.tables;
    const rows = await this.tables.states.entries(warehouse, schema);
    const { states, gone } = storedStates(rows, {
      schema,
      names,
      loadName: (table) => this.tables.loadName(table),
      logger,
    });
    this.tablesGone = gone;
    return states;
  }

  async put(key: string, state: TableState | null): Promise<void> {
    await this.tables.writing();
    this.newStates.set(key, state);
  }

  async forgetRuns(key: string): Promise<void> {
    await forgetInRuns(this.tables.warehouse, [key]);
  }

  /** Writes the new states; the next commit keeps them. */
  async store(): Promise<void> {
    const { states, warehouse, schema } = this.tables;
    await states.store(warehouse, schema, this.newStates);
    this.newStates.clear();
  }

  /** What was stored is committed. */
  committed(): void {
    this.tables.states.ended?.('COMMIT');
  }

  /** Drops the new states. */
  drop(): void {
    this.newStates.clear();
    this.tables.states.ended?.('ROLLBACK');
  }

  async origin(): Promise<Origin | undefined> {
    return await storedOrigin(this.tables.warehouse, this.tables.schema);
  }

  async putOrigin(origin: Origin): Promise<void> {
    await storeOrigin(await this.tables.writing(), this.tables.schema, origin);
  }

  async logPosition(): Promise<LogPosition | undefined> {
    return await storedLogPosition(this.tables.warehouse, this.positionPlace);
  }

  async putLogPosition(position: LogPosition): Promise<void> {
    await storeLogPosition(await this.tables.writing(), this.positionPlace, position);
  }

  private get positionPlace(): PositionPlace {
    const { schema, states } = this.tables;
    return { schema, table: states.positionTable(schema) };
  }

  async writeRun(run: RunRecord): Promise<void> {
    if (await mayBeLeftOut(this.tables.warehouse, run)) return;
    await writeRun(await this.tables.writing(), run);
  }
}
