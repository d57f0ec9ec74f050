/**
 * Columns changed and added, in the middle of a transaction.
 *
 * DuckDB refuses to commit a transaction that has updated or deleted committed rows of a table and altered its columns
 * afterwards ("another transaction has altered this table"). It changes no column of a table that has an index. DuckDB
 * 1.5 fails with an internal error where a transaction fills a row group, alters the table, and fills another one ("Row
 * group prev allocated size is larger …"). That error ends the whole run. Such tables are written anew instead. So is a
 * table of a lake where a column changes its type, since DuckLake only makes numbers wider.
 */
import { quoted } from '../types';
import type { Warehouse } from '../warehouse';

/** In DuckDB's temporary schema. */
const ONE_ROW = 'pgsluice_one_row';

export interface ColumnChange {
  readonly column: string;
  readonly type: string;
  /** SQL for the column's values; NULL for a new column. */
  readonly value: string;
  readonly isNew?: true;
}

/** `table` is qualified and quoted. `rowsFollow` says whether rows may be inserted into it afterwards. */
export async function changeColumn(
  warehouse: Warehouse,
  table: string,
  change: ColumnChange,
  rowsFollow = true,
): Promise<void> {
  const isAlterable = change.isNew === true || warehouse.storage.changesTypes;
  if (!isAlterable || !warehouse.isAlterable(table) || (rowsFollow && warehouse.hasWrittenRows(table))) {
    await rebuild(warehouse, table, change);
    return;
  }
  const column = quoted(change.column);
  if (change.isNew === true) {
    await warehouse.run(`ALTER TABLE ${table} ADD COLUMN ${column} ${change.type}`);
    if (!warehouse.storage.knowsAddedNulls) await writeOneRowAnew(warehouse, table);
  } else await warehouse.changeType(table, column, change.type, change.value);
}

/**
 * A column that is added in the transaction that made the table has no NULL in DuckLake's statistics, though all rows before
 * it do: `count(column)` then counts them all, and `IS NULL` finds none. One row that is written anew says so.
 */
async function writeOneRowAnew(warehouse: Warehouse, table: string): Promise<void> {
  await warehouse.run(
    `CREATE OR REPLACE TEMP TABLE ${ONE_ROW} AS SELECT rowid AS _pgsluice_row, * FROM ${table} LIMIT 1`,
  );
  await warehouse.run(`DELETE FROM ${table} WHERE rowid IN (SELECT _pgsluice_row FROM ${ONE_ROW})`);
  await warehouse.run(`INSERT INTO ${table} SELECT * EXCLUDE (_pgsluice_row) FROM ${ONE_ROW}`);
  await warehouse.run(`DROP TABLE ${ONE_ROW}`);
}

async function rebuild(warehouse: Warehouse, table: string, change: ColumnChange): Promise<void> {
  // "schema"."table", in which a quote is doubled.
  const bare = /^"(?:[^"]|"")*"\.("(?:[^"]|"")*")$/.exec(table)?.[1] ?? table;
  // A prefix that no table of the source can have there.
  const beside = `${table.slice(0, table.length - bare.length)}"_pgsluice_altered_${bare.slice(1)}`;
  const described = await warehouse.rows(`SELECT column_name, column_type, "null" FROM (DESCRIBE ${table})`);
  const columns = described.map(([name, type, nullable]) => ({
    name: String(name),
    type: String(type),
    required: nullable === 'NO',
    value: quoted(String(name)),
  }));
  const changed = { name: change.column, type: change.type, value: change.value };
  const wanted =
    change.isNew === true
      ? [...columns, { ...changed, required: false }]
      : columns.map((column) => (column.name === change.column ? { ...changed, required: column.required } : column));
  const definitions = wanted.map(({ name, type, required }) => `${quoted(name)} ${type}${required ? ' NOT NULL' : ''}`);
  await warehouse.run(`CREATE TABLE ${beside} (${definitions.join(', ')})`);
  await warehouse.run(`INSERT INTO ${beside} SELECT ${wanted.map(({ value }) => value).join(', ')} FROM ${table}`);
  await warehouse.run(`DROP TABLE ${table}`);
  await warehouse.run(`ALTER TABLE ${beside} RENAME TO ${bare}`);
  await warehouse.usersObjects?.makeAgain(warehouse, table);
}
