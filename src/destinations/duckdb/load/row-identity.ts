/**
 * Finds the rows of a table without a key that are gone. Such rows are told apart by their content, so a column that
 * comes, goes or changes its type gives every row another identity. They are then found again by the columns that both
 * tables have.
 */
import { decimalShape, quoted } from '../types';
import type { Warehouse } from '../warehouse';
import { ADDED_COLUMNS, folded } from '../../naming';
import { storedText, withoutTrailingZeros } from '../verify/postgres-text';

export interface StoredColumn {
  readonly name: string;
  readonly type: string;
}

export type StoredColumns = ReadonlyMap<string, StoredColumn>;

const GONE = '_pgsluice_gone';
/** DuckDB would take a JSON column of an alias's name for the alias, and look into it. */
const ROW = '_pgsluice_row';
const OTHER = '_pgsluice_other';

/** Whether identities made from the content can be compared directly. */
export function sameContent(old: StoredColumns, present: StoredColumns): boolean {
  const shape = (columns: StoredColumns): string =>
    JSON.stringify(ofSource(columns).map((key) => [key, columns.get(key)?.type]));
  return shape(old) === shape(present);
}

/**
 * Makes a temporary table of the rowids of `target` that have no counterpart in `load`; among equal rows, each
 * counterpart counts once. Returns a condition on `alias`. `forget` drops the table.
 */
export async function findGone(
  warehouse: Warehouse,
  tables: { readonly target: string; readonly load: string },
  old: StoredColumns,
  present: StoredColumns,
): Promise<{ readonly condition: (alias: string) => string; readonly forget: () => Promise<void> }> {
  const common = ofSource(old).flatMap((key) => {
    const [before, now] = [old.get(key), present.get(key)];
    return before === undefined || now === undefined ? [] : [texts(before, now)];
  });
  const hash = (of: readonly string[]): string =>
    `md5(concat_ws(${['chr(31)', "''", ...of.map((text) => `coalesce(${text}, chr(29))`)].join(', ')}))`;
  const unknown = (table: string, other: string): string =>
    `FROM ${table} AS ${ROW} WHERE NOT EXISTS (SELECT 1 FROM ${other} AS ${OTHER} WHERE ${OTHER}._fivetran_id = ${ROW}._fivetran_id)`;
  const { target, load } = tables;
  await warehouse.run(
    `CREATE OR REPLACE TEMP TABLE ${GONE} AS SELECT o.id FROM (` +
      // Among equal rows, those that are marked deleted are matched last.
      `SELECT id, h, row_number() OVER (PARTITION BY h ORDER BY _fivetran_deleted, id) AS copy FROM (` +
      `SELECT rowid AS id, _fivetran_deleted, ${hash(common.map(({ before }) => before))} AS h ${unknown(target, load)})) AS o ` +
      `LEFT JOIN (SELECT h, count(*) AS copies FROM (SELECT ${hash(common.map(({ now }) => now))} AS h ${unknown(load, target)}) GROUP BY h) AS n ` +
      `ON n.h = o.h WHERE o.copy > coalesce(n.copies, 0)`,
  );
  return {
    condition: (alias) => `${alias}.rowid IN (SELECT id FROM ${GONE})`,
    forget: async () => void (await warehouse.run(`DROP TABLE ${GONE}`)),
  };
}

function ofSource(columns: StoredColumns): string[] {
  const added = new Set<string>(ADDED_COLUMNS.map(folded));
  return [...columns.keys()].filter((key) => !added.has(key));
}

/** SQL for texts that are equal where the values are. */
function texts(before: StoredColumn, now: StoredColumn): { readonly before: string; readonly now: string } {
  const [was, is] = [`${ROW}.${quoted(before.name)}`, `${ROW}.${quoted(now.name)}`];
  if (before.type === now.type) return { before: storedText(was, before.type), now: storedText(is, now.type) };
  const isTime = (type: string): boolean => type === 'DATE' || type.startsWith('TIMESTAMP');
  const isDecimal = (type: string): boolean => decimalShape(type) !== undefined;
  const casts = [isTime, isDecimal].some((kind) => kind(before.type) && kind(now.type));
  const text = casts ? storedText(`TRY_CAST(${was} AS ${now.type})`, now.type) : storedText(was, before.type);
  return { before: asNumber(text, before, now), now: asNumber(storedText(is, now.type), before, now) };
}

const NUMBER = /^(DECIMAL|FLOAT|DOUBLE|HUGEINT|BIGINT|INTEGER|SMALLINT)/;

function asNumber(text: string, ...columns: readonly StoredColumn[]): string {
  return columns.some(({ type }) => NUMBER.test(type)) ? withoutTrailingZeros(text) : text;
}
