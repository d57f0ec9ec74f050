/** Writes SQL about rows by their keys: staged rows, collected keys, and the rows of the table that they match. */
import type { DestinationTable } from '../../destination';
import type { Storage } from '../storage';
import { duckdbType, quoted } from '../types';

/** The alias of the table whose rows are looked for by their keys. */
export const TABLE_ALIAS = '_pgsluice_t';

/** Staged changes, in DuckDB's temporary schema: they need not outlive the process. */
export function changesName(table: DestinationTable): string {
  return quoted(`_pgsluice_changes_${table.name}`);
}

export function keysName(table: DestinationTable): string {
  return quoted(`_pgsluice_keys_${table.name}`);
}

/**
 * Deletes the rows of `name` whose key is in `other`, where it may stand several times. It takes half the time of
 * `rowid IN`, and skips row groups whose keys are all smaller or larger.
 */
export function deleteMatching(storage: Storage, name: string, other: string, table: DestinationTable): string {
  return `DELETE FROM ${name} AS _pgsluice_t USING ${other} AS _pgsluice_o WHERE ${sameKey(storage, table)}`;
}

/**
 * What finds the rows of an UPDATE, of a table called TABLE_ALIAS, whose key is in `other`, where it may stand several times.
 * It takes half the time of `rowid IN`.
 */
export function matching(
  storage: Storage,
  other: string,
  table: DestinationTable,
): { readonly from: string; readonly condition: string } {
  const keys = table.primaryKey.map(quoted).join(', ');
  return { from: `FROM (SELECT DISTINCT ${keys} FROM ${other}) AS _pgsluice_o`, condition: sameKey(storage, table) };
}

/**
 * Query for the rows of `name` whose key is (SEMI) or is not (ANTI) in `other`. It is a join even for a single column:
 * while a column changes its type, a key may be text in one of the two and a number in the other, which IN refuses.
 */
export function rowIds(
  storage: Storage,
  name: string,
  join: 'SEMI' | 'ANTI',
  other: string,
  table: DestinationTable,
): string {
  // The alias is not `t`: DuckDB would look into a JSON column of that name for a field rowid.
  return `SELECT _pgsluice_t.rowid FROM ${name} AS _pgsluice_t ${join} JOIN ${other} AS _pgsluice_o ON ${sameKey(storage, table)}`;
}

function sameKey(storage: Storage, { primaryKey, columns }: DestinationTable): string {
  const same = columns
    .filter(({ name }) => primaryKey.includes(name))
    .map(({ name, type }) => {
      const [other, own] = ['_pgsluice_o', '_pgsluice_t'].map((alias) =>
        storage.comparable(`${alias}.${quoted(name)}`, duckdbType(type)),
      );
      return `${other} = ${own}`;
    });
  return same.join(' AND ');
}
