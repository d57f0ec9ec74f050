/** A look into a warehouse without changing it: state, history, size. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { ConnectorError } from '../../common/errors';
import type { Origin } from '../../model/origin';
import type { RunRecord } from '../../model/run-record';
import type { LogPosition, StateDocument, TableState, TableStates } from '../../model/sync-state';
import { storedLogPosition } from './log-position-row';
import { Warehouse } from './warehouse';
import { readRuns } from './run-history';
import { storedOrigin } from './origin-row';
import { stateEntries } from './state-rows';

export interface WarehouseContents {
  readonly bytes: number;
  /** Of the schema that was asked for. */
  readonly states: TableStates;
  readonly origin: Origin | undefined;
  /** How far it knows the log of its source; undefined where mode log was never used. */
  readonly logPosition: LogPosition | undefined;
  /** The newest first. */
  readonly runs: readonly RunRecord[];
}

const MEMORY_BYTES = 128_000_000;

/** undefined: there is no such file. Rejects with code `warehouse_locked` while a sync has it open. */
export async function readWarehouse(
  path: string,
  schema: string,
  runs: number,
): Promise<WarehouseContents | undefined> {
  if (!existsSync(path)) return undefined;
  const warehouse = await Warehouse.open({ path, memoryBytes: MEMORY_BYTES, threads: 1, readOnly: true });
  try {
    const present = await warehouse.rows(
      "SELECT table_name FROM duckdb_tables() WHERE schema_name = '_pgsluice' AND database_name = current_database()",
    );
    const has = (name: string): boolean => present.some((row) => row[0] === name);
    if (!has('state')) {
      throw new ConnectorError(`The file ${path} is a DuckDB database, but no warehouse of pgsluice.`, {
        code: 'not_a_warehouse',
        kind: 'destination',
        hint: 'Name the right one with --warehouse, or run `pgsluice sync` to begin one there.',
      });
    }
    const entries = await stateEntries(warehouse, schema);
    return {
      bytes: statSync(path).size,
      states: new Map(entries.map(([key, entry]) => [key, JSON.parse(entry) as TableState])),
      origin: await storedOrigin(warehouse, schema),
      logPosition: await storedLogPosition(warehouse, schema),
      runs: has('runs') ? await readRuns(warehouse, runs) : [],
    };
  } finally {
    await warehouse.close();
  }
}

/** The copy of the state beside the warehouse; undefined where there is none that can be read. */
export function readStateFile(path: string): StateDocument | undefined {
  try {
    const document = JSON.parse(readFileSync(path, 'utf8')) as Partial<StateDocument>;
    return typeof document.tables === 'object' ? (document as StateDocument) : undefined;
  } catch {
    return undefined;
  }
}
