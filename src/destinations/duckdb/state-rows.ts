/** Reads and writes the committed state of every table, as far as the warehouse still holds the table. */
import type { Logger } from '../../common/logger';
import type { TableState, TableStates } from '../../model/sync-state';
import { literal, type TableName } from './types';
import type { Warehouse } from './warehouse';
import { folded } from '../naming';

const STATE_TABLE = '_pgsluice.state';

/** Where the states stand, which a commit writes together with the rows. */
export interface StateRows {
  /** Makes what they need, in a warehouse that may be new. */
  make(warehouse: Warehouse, schema: string): Promise<void>;
  /** Keys and entries of a schema; of two with one key, the later counts. */
  entries(warehouse: Warehouse, schema: string): Promise<[key: string, entry: string][]>;
  /** `states`: null where a table has none any more. */
  store(warehouse: Warehouse, schema: string, states: ReadonlyMap<string, TableState | null>): Promise<void>;
  /** The table, qualified, that says how far the log of the schema's source is known. */
  positionTable(schema: string): string;
  /** What was stored since the last commit is committed, or rolled back. */
  ended?(how: 'COMMIT' | 'ROLLBACK'): void;
}

/** In one table for all: nobody else writes the file. */
export const FILE_STATES: StateRows = {
  make: makeStateTable,
  entries: stateEntries,
  store: storeStates,
  positionTable: () => '_pgsluice.log_positions',
};

/** Name of the table in which a load gathers; see loads. */
export function loadTableName(table: string): string {
  return `_pgsluice_load_${table}`;
}

async function makeStateTable(warehouse: Warehouse): Promise<void> {
  await warehouse.run(
    `CREATE TABLE IF NOT EXISTS ${STATE_TABLE} (table_key VARCHAR, entry VARCHAR, destination_schema VARCHAR)`,
  );
  // A warehouse of a version in which schemas had no states of their own.
  if (!(await hasSchemas(warehouse)))
    await warehouse.run(`ALTER TABLE ${STATE_TABLE} ADD COLUMN destination_schema VARCHAR`);
}

/**
 * In `states`, null removes a table. All are written together, because two statements a table would take longer than a
 * small table does.
 */
export async function storeStates(
  warehouse: Warehouse,
  schema: string,
  states: ReadonlyMap<string, TableState | null>,
): Promise<void> {
  if (states.size === 0) return;
  const keys = [...states.keys()].map(literal);
  const own = literal(schema);
  const ours = `coalesce(destination_schema, ${own}) = ${own}`;
  await warehouse.run(`DELETE FROM ${STATE_TABLE} WHERE table_key IN (${keys.join(', ')}) AND ${ours}`);
  const rows = [...states].flatMap(([key, state]) =>
    state === null ? [] : [`(${literal(key)}, ${literal(JSON.stringify(state))}, ${own})`],
  );
  if (rows.length > 0)
    await warehouse.run(`INSERT INTO ${STATE_TABLE} (table_key, entry, destination_schema) VALUES ${rows.join(', ')}`);
}

/** Whether the table of states has a column for the schema. */
async function hasSchemas(warehouse: Warehouse): Promise<boolean> {
  return (await warehouse.columnsOf(STATE_TABLE)).has('destination_schema');
}

/** Keys and entries of a schema, those of no schema first. */
export async function stateEntries(warehouse: Warehouse, schema: string): Promise<[key: string, entry: string][]> {
  const ours = (await hasSchemas(warehouse))
    ? ` WHERE coalesce(destination_schema, ${literal(schema)}) = ${literal(schema)} ORDER BY destination_schema NULLS FIRST, table_key`
    : ' ORDER BY table_key';
  const rows = await warehouse.rows(`SELECT table_key, entry FROM ${STATE_TABLE}${ours}`);
  return rows.map(([key, entry]) => [String(key), String(entry)]);
}

export interface NamesInSchema {
  /** Folded names (destinations/naming) of tables and views. */
  readonly names: Set<string>;
  readonly views: ReadonlySet<string>;
  /** By folded name: rows of a table that take room in it, deleted ones included. */
  readonly storedRows: ReadonlyMap<string, number>;
}

/** (information_schema.tables, which shows both, takes twice as long.) */
export async function namesIn(warehouse: Warehouse, schema: string): Promise<NamesInSchema> {
  const here = `schema_name = ${literal(schema)} AND database_name = current_database()`;
  const rows = await warehouse.rows(
    `SELECT table_name, coalesce(estimated_size, 0)::DOUBLE FROM duckdb_tables() WHERE ${here} UNION ALL SELECT view_name, NULL FROM duckdb_views() WHERE ${here}`,
  );
  const named = rows.map(([name, stored]) => ({ name: folded(String(name)), stored }));
  return {
    names: new Set(named.map(({ name }) => name)),
    views: new Set(named.flatMap(({ name, stored }) => (stored === null ? [name] : []))),
    storedRows: new Map(named.flatMap(({ name, stored }) => (stored === null ? [] : [[name, Number(stored)]]))),
  };
}

export interface WhatThereIs {
  readonly schema: string;
  readonly names: ReadonlySet<string>;
  /** See `OpenTables.loadName`. */
  readonly loadName: (table: string) => string;
  readonly logger: Logger;
}

/**
 * `names` are the folded names of the tables that the schema has. A table that somebody dropped, or that is in another
 * schema than the one to be written now, counts as never synced, because there is nothing to apply changes to. It is
 * listed in `gone`, with its expected place.
 */
export function storedStates(
  rows: readonly (readonly [key: string, entry: string])[],
  { schema, names, loadName, logger }: WhatThereIs,
): { readonly states: TableStates; readonly gone: ReadonlyMap<string, TableName> } {
  const states = new Map<string, TableState>();
  const gone = new Map<string, TableName>();
  for (const [key, entry] of rows) {
    const state = parse(entry);
    if (state === undefined) {
      logger.warning(`The warehouse's state of ${key} is damaged; it is loaded from the start.`);
      continue;
    }
    const load = state.load !== null && names.has(folded(loadName(state.destinationTable))) ? state.load : null;
    if (state.lastSyncedAt === null || names.has(folded(state.destinationTable))) {
      states.set(key, { ...state, load });
      continue;
    }
    gone.set(key, { schema, name: state.destinationTable });
  }
  return { states, gone };
}

function parse(entry: string): TableState | undefined {
  try {
    const state = JSON.parse(entry) as Partial<TableState> | null;
    return typeof state?.destinationTable === 'string' ? (state as TableState) : undefined;
  } catch {
    return undefined;
  }
}
