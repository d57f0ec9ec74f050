/** Names of tables and columns in the destination. */
import type { TableSchema } from '../model/table';
import { DEFAULT_TABLE_TEMPLATE, fillTemplate } from '../model/table-template';

export type Naming = 'source' | 'fivetran';

/** Columns that every table gets; a source column of such a name is renamed. */
export const ADDED_COLUMNS = ['sync_timestamp', '_fivetran_synced', '_fivetran_deleted', '_fivetran_id'] as const;

/** DuckDB's own number of a row; a column of that name would hide it from the statements that need it. */
const ROW_NUMBER = 'rowid';

export function destinationTableName(
  table: Pick<TableSchema, 'schema' | 'name'>,
  naming: Naming,
  template = DEFAULT_TABLE_TEMPLATE,
): string {
  const name = fillTemplate(template, table);
  return naming === 'fivetran' ? fivetranName(name) : name;
}

/**
 * Column names as the destination can hold them, in order. Names that are equal without regard to case
 * (DuckDB does not tell them apart), or equal to an added column or `rowid`, get a number: `name_2`.
 */
export function destinationColumnNames(columns: readonly string[], naming: Naming): string[] {
  const taken = new Set<string>([...ADDED_COLUMNS, ROW_NUMBER]);
  const wanted = columns.map((column) => (naming === 'fivetran' ? fivetranName(column) : column));
  // A column keeps a name that is its own, whatever stands before it.
  const byRight = new Set(wanted.map(folded).filter((name) => !taken.has(name)));
  return wanted.map((name) => {
    let unique = name;
    for (let number = 2; taken.has(folded(unique)) || (unique !== name && byRight.has(folded(unique))); number += 1) {
      unique = `${name}_${number}`;
    }
    taken.add(folded(unique));
    return unique;
  });
}

/**
 * Two destination names are the same to DuckDB when their folded forms are: it folds the letters A to Z, and no others.
 */
export function folded(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/**
 * Fivetran's rule: transliterate, split camelCase, every other character becomes `_`, runs of `_` collapse,
 * lower case, a leading digit gets a `_`. (Fivetran documentation, naming conventions.)
 */
function fivetranName(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}+/gu, '');
  const words = plain
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1_$2')
    .replace(/(\p{Lu}+)(\p{Lu}\p{Ll})/gu, '$1_$2')
    .replace(/[^A-Za-z0-9_]/g, '_')
    .replace(/_+/g, '_')
    .toLowerCase();
  return /^\d/.test(words) ? `_${words}` : words === '' ? '_' : words;
}
