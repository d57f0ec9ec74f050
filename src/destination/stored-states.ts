/** The committed state of every table, as far as the warehouse still holds what it describes. */
import type { Logger } from '../common/logger';
import type { TableState, TableStates } from '../model/sync-state';
import { literal, type TableName } from './duckdb-types';
import type { Warehouse } from './duckdb-warehouse';
import { folded } from './naming';

export const STATE_TABLE = '_pgsluice.state';

/** Name of the table in which a load gathers; see duckdb-destination. */
export function loadTableName(table: string): string {
  return `_pgsluice_load_${table}`;
}

/**
 * Folded names (destination/naming) of the tables and views of a schema. (information_schema.tables, which shows both,
 * takes twice as long.)
 */
export async function tableNames(warehouse: Warehouse, schema: string): Promise<Set<string>> {
  const rows = await warehouse.rows(
    ['table', 'view']
      .map(
        (kind) =>
          `SELECT ${kind}_name FROM duckdb_${kind}s() WHERE schema_name = ${literal(schema)} AND database_name = current_database()`,
      )
      .join(' UNION ALL '),
  );
  return new Set(rows.map(([name]) => folded(String(name))));
}

/**
 * `names`: folded, of the tables that schema `schema` has. A table that somebody dropped, or that is in another schema
 * than the one to be written now, was as good as never synced: changes alone would find nothing to be applied to. It is
 * among the `gone`, with where it was expected.
 */
export async function storedStates(
  warehouse: Warehouse,
  schema: string,
  names: ReadonlySet<string>,
  logger: Logger,
): Promise<{ readonly states: TableStates; readonly gone: ReadonlyMap<string, TableName> }> {
  const states = new Map<string, TableState>();
  const gone = new Map<string, TableName>();
  for (const [key, entry] of await warehouse.rows(`SELECT table_key, entry FROM ${STATE_TABLE}`)) {
    const state = parse(String(entry));
    if (state === undefined) {
      logger.warning(`The warehouse's state of ${String(key)} is damaged; it is loaded from the start.`);
      continue;
    }
    const load = state.load !== null && names.has(folded(loadTableName(state.destinationTable))) ? state.load : null;
    if (state.lastSyncedAt === null || names.has(folded(state.destinationTable))) {
      states.set(String(key), { ...state, load });
      continue;
    }
    gone.set(String(key), { schema, name: state.destinationTable });
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
