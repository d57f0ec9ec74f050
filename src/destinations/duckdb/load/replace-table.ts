/**
 * Ends a full load: the new table takes the old one's place, and rows that the source no longer has stay in it, marked
 * deleted.
 */
import type { Logger } from '../../../common/logger';
import { checksum, checksumText } from '../../../model/checksum';
import { changeColumn } from './alter-table';
import { commonScale, converted, isLost } from './value-conversion';
import type { DestinationTable, FinishedLoad } from '../../destination';
import { quoted } from '../types';
import type { Warehouse } from '../warehouse';
import { findGone, sameContent, type StoredColumn, type StoredColumns } from './row-identity';
import type { LoadTable } from './load-table';
import { stampSeconds, stampTime } from './stamp';
import { folded } from '../../naming';
import { isDecimal, storedText, withoutTrailingZeros } from '../verify/postgres-text';

/**
 * DuckDB would take a column of an alias's name for the alias, and look into its JSON: `t.id` would be t's field id.
 */
const OLD = '_pgsluice_old';
const NEW = '_pgsluice_new';
const COPY = '_pgsluice_copy';

interface Replacement {
  readonly schema: string;
  readonly table: DestinationTable;
  readonly load: LoadTable;
  /** False where no table of the name can exist. DuckDB takes long to say so, because it looks for similar names. */
  readonly mayExist: boolean;
  readonly logger: Logger;
}

export async function replaceTable(warehouse: Warehouse, replacement: Replacement): Promise<FinishedLoad> {
  const { schema, table, load } = replacement;
  const target = `${quoted(schema)}.${quoted(table.name)}`;
  const content = table.primaryKey.length === 0 ? await contentOf(warehouse, load) : undefined;
  if (table.primaryKey.length === 0) await numberCopies(warehouse, load.name);
  else if (table.keysMayRepeat) await keepLastOfEachKey(warehouse, load);
  const rows = await load.countRows();
  const old = replacement.mayExist ? foldedNames(await warehouse.columnsOf(target)) : new Map<string, StoredColumn>();
  let deleted = 0;
  if (old.size > 0) {
    if (table.keepDeletedRows) deleted = await carryOver(warehouse, replacement, old, target);
    await warehouse.run(`DROP TABLE ${target}`);
  }
  if (load.tableName !== table.name) await warehouse.run(`ALTER TABLE ${load.name} RENAME TO ${quoted(table.name)}`);
  if (old.size > 0) await warehouse.usersObjects?.makeAgain(warehouse, target);
  return { rows, deleted, ...(content === undefined ? {} : { content }) };
}

/** The sum of the digests of the rows, before copies are numbered; undefined where a digest may stand for other texts. */
async function contentOf(warehouse: Warehouse, load: LoadTable): Promise<string | undefined> {
  if (load.isAmbiguous) return undefined;
  const half = (from: number): string =>
    `CAST(coalesce(sum(CAST('0x' || substr(_fivetran_id, ${from}, 16) AS UBIGINT)), 0) AS VARCHAR)`;
  const [row] = await warehouse.rows(`SELECT count(*), ${half(1)}, ${half(17)} FROM ${load.name}`);
  return checksumText(checksum(Number(row?.[0]), BigInt(String(row?.[1])), BigInt(String(row?.[2]))));
}

/** Rows without a key are told apart by content; further copies of a row get identities of their own. */
async function numberCopies(warehouse: Warehouse, load: string): Promise<void> {
  await warehouse.changeRows(
    load,
    `UPDATE ${load} AS ${NEW} SET _fivetran_id = md5(${NEW}._fivetran_id || '#' || ${COPY}.copy) FROM (` +
      `SELECT rowid AS id, row_number() OVER (PARTITION BY _fivetran_id ORDER BY rowid) AS copy FROM ${load} ` +
      `WHERE _fivetran_id IN (SELECT _fivetran_id FROM ${load} GROUP BY 1 HAVING count(*) > 1)) AS ${COPY} WHERE ${NEW}.rowid = ${COPY}.id AND ${COPY}.copy > 1`,
  );
}

async function keepLastOfEachKey(warehouse: Warehouse, load: LoadTable): Promise<void> {
  const keys = load.table.primaryKey.map(quoted).join(', ');
  await warehouse.changeRows(
    load.name,
    `DELETE FROM ${load.name} WHERE rowid IN (SELECT rowid FROM ${load.name} QUALIFY row_number() OVER (PARTITION BY ${keys} ORDER BY rowid DESC) > 1)`,
  );
  load.changedRows();
}

/** Compares names without regard to case, as DuckDB does: a column may have been renamed in its case only. */
function foldedNames(columns: ReadonlyMap<string, string>): Map<string, StoredColumn> {
  return new Map([...columns].map(([name, type]) => [folded(name), { name, type }]));
}

/** Adds the rows and columns that the source no longer has. Returns how many rows are newly marked deleted. */
async function carryOver(
  warehouse: Warehouse,
  replacement: Replacement,
  old: StoredColumns,
  target: string,
): Promise<number> {
  const { table, load } = replacement;
  const keys = table.primaryKey.length === 0 ? ['_fivetran_id'] : table.primaryKey;
  if (keys.some((key) => !old.has(folded(key)))) return 0;
  // Another program made the table, so the meaning of its rows is not known.
  if (!old.has('_fivetran_deleted')) return 0;
  const present = foldedNames(await warehouse.columnsOf(load.name));
  // A decimal key has one text, see column-types.
  const decimalKeys = new Set(
    table.columns
      .filter(({ name, type }) => table.primaryKey.includes(name) && isDecimal(type))
      .map(({ name }) => folded(name)),
  );
  const asText = (value: string, { name, type }: StoredColumn): string => {
    const text = storedText(value, type);
    return decimalKeys.has(folded(name)) ? withoutTrailingZeros(text) : text;
  };
  // Keys of another type than before are compared as text: a cast might fail, or make two keys one.
  const same = (key: string): string => {
    const [before, now] = [old.get(folded(key)), present.get(folded(key))];
    if (before === undefined || now === undefined) return 'false';
    const [newKey, oldKey] = [`${NEW}.${quoted(now.name)}`, `${OLD}.${quoted(before.name)}`];
    if (before.type === now.type) {
      const { storage } = warehouse;
      return `${storage.comparable(newKey, now.type)} = ${storage.comparable(oldKey, now.type)}`;
    }
    return `${asText(newKey, now)} = ${asText(oldKey, before)}`;
  };
  const found =
    table.primaryKey.length > 0 || sameContent(old, present)
      ? undefined
      : await findGone(warehouse, { target, load: load.name }, old, present);
  const isGone =
    found?.condition(OLD) ?? `NOT EXISTS (SELECT 1 FROM ${load.name} AS ${NEW} WHERE ${keys.map(same).join(' AND ')})`;
  const deleted = await keepGone(
    warehouse,
    replacement,
    { old, present, asText },
    `FROM ${target} AS ${OLD} WHERE ${isGone}`,
  );
  await found?.forget();
  return deleted;
}

interface BothColumns {
  readonly old: StoredColumns;
  readonly present: Map<string, StoredColumn>;
  /** SQL for the text of a value of a column. */
  readonly asText: (value: string, column: StoredColumn) => string;
}

/** `gone` is the end of a query for the old rows that the load lacks. */
async function keepGone(
  warehouse: Warehouse,
  { table, load, logger }: Replacement,
  { old, present, asText }: BothColumns,
  gone: string,
): Promise<number> {
  const [counts] = await warehouse.rows(`SELECT count(*), count(*) FILTER (NOT ${OLD}._fivetran_deleted) ${gone}`);
  const anyGone = Number(counts?.[0] ?? 0) > 0;
  for (const [key, { name, type }] of old) {
    if (present.has(key)) continue;
    await changeColumn(warehouse, load.name, { column: name, type, value: 'NULL', isNew: true }, anyGone);
  }
  if (!anyGone) return 0;
  for (const [key, { name, type }] of old) {
    const now = present.get(key);
    const wanted = now?.type;
    if (now === undefined || wanted === undefined || wanted === type) continue;
    const before = `${OLD}.${quoted(name)}`;
    const [lost] = await warehouse.rows(`SELECT count(*) ${gone} AND ${isLost(before, type, wanted)}`);
    if (Number(lost?.[0] ?? 0) === 0) continue;
    const held = { table: load.name, column: quoted(now.name), type: wanted };
    const scale = await commonScale(warehouse, held, gone, { sql: before, type });
    if (scale !== undefined) {
      const wider = `DECIMAL(38,${scale})`;
      const value = `CAST(${quoted(now.name)} AS ${wider})`;
      await changeColumn(warehouse, load.name, { column: now.name, type: wider, value });
      present.set(key, { name: now.name, type: wider });
      continue;
    }
    // Deleted rows are data too: the column takes a type that holds both.
    const value = asText(quoted(now.name), now);
    await changeColumn(warehouse, load.name, { column: now.name, type: 'VARCHAR', value });
    present.set(key, { name: now.name, type: 'VARCHAR' });
    logger.warning(
      `Column ${now.name} of ${table.name} becomes VARCHAR: rows marked deleted hold values that ${wanted} cannot. It goes back with a full load once those are deleted there.`,
    );
  }
  const stamped = new Map([
    ['sync_timestamp', stampSeconds(load.stamp)],
    ['_fivetran_synced', stampTime(load.stamp)],
  ]);
  const values = [...old].map(([key, column]) => {
    const { name } = column;
    if (name === '_fivetran_deleted') return 'true';
    const type = present.get(key)?.type ?? column.type;
    const before = `${OLD}.${quoted(name)}`;
    const value = type === 'VARCHAR' ? asText(before, column) : valueAs(before, column.type, type);
    const stamp = stamped.get(name);
    return stamp === undefined
      ? value
      : `CASE WHEN ${OLD}._fivetran_deleted THEN ${value} ELSE CAST(${stamp} AS ${type}) END`;
  });
  const names = [...old].map(([key, { name }]) => quoted(present.get(key)?.name ?? name));
  await warehouse.run(`INSERT INTO ${load.name} (${names.join(', ')}) SELECT ${values.join(', ')} ${gone}`);
  return Number(counts?.[1] ?? 0);
}

/** SQL for a value that is known to fit. */
function valueAs(value: string, from: string, to: string): string {
  return from === to ? value : converted(value, from, to);
}
