/** SQL about rows by their keys: staged ones, collected keys, and what of the table they match. */
import type { DestinationTable } from '../../destination';
import type { Storage } from '../storage';
import { duckdbType, quoted } from '../types';

/** Staged changes, in DuckDB's temporary schema: they need not outlive the process. */
export function changesName(table: DestinationTable): string {
  return quoted(`_pgsluice_changes_${table.name}`);
}

export function keysName(table: DestinationTable): string {
  return quoted(`_pgsluice_keys_${table.name}`);
}

/**
 * Deletes the rows of `name` whose key is in `other`, also where it is there several times. In half the time that
 * `rowid IN` takes, and row groups whose keys are all smaller or larger are not looked at.
 */
export function deleteMatching(storage: Storage, name: string, other: string, table: DestinationTable): string {
  return `DELETE FROM ${name} AS _pgsluice_t USING ${other} AS _pgsluice_o WHERE ${sameKey(storage, table)}`;
}

/**
 * Query for the rows of `name` whose key is (SEMI) or is not (ANTI) in `other`. A join, also of a single column: IN
 * refuses a key that is text in one of the two and a number in the other, while its column changes its type.
 */
export function rowIds(
  storage: Storage,
  name: string,
  join: 'SEMI' | 'ANTI',
  other: string,
  table: DestinationTable,
): string {
  // Not `t`: a JSON column of that name would be looked into for a field rowid.
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
