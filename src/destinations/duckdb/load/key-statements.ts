/** Writes SQL about rows by their keys: staged rows, collected keys, and the rows of the table that they match. */
import type { DestinationTable } from '../../destination';
import { quoted } from '../types';

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
export function deleteMatching(name: string, other: string, table: DestinationTable): string {
  const same = table.primaryKey.map(quoted).map((key) => `_pgsluice_o.${key} = _pgsluice_t.${key}`);
  return `DELETE FROM ${name} AS _pgsluice_t USING ${other} AS _pgsluice_o WHERE ${same.join(' AND ')}`;
}

/**
 * Query for the rows of `name` whose key is (SEMI) or is not (ANTI) in `other`. It is a join even for a single column:
 * while a column changes its type, a key may be text in one of the two and a number in the other, which IN refuses.
 */
export function rowIds(name: string, join: 'SEMI' | 'ANTI', other: string, table: DestinationTable): string {
  // The alias is not `t`: DuckDB would look into a JSON column of that name for a field rowid.
  return `SELECT _pgsluice_t.rowid FROM ${name} AS _pgsluice_t ${join} JOIN ${other} AS _pgsluice_o USING (${table.primaryKey.map(quoted).join(', ')})`;
}
