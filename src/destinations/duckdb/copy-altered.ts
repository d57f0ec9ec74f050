/** Checks whether a table of the warehouse still is as we made it, because somebody may have altered it. */
import { ConnectorError } from '../../common/errors';
import type { ColumnType } from '../../model/column-type';
import { COPY_ALTERED, type DestinationTable } from '../destination';
import { decimalShape, duckdbType } from './types';
import type { PresentColumn } from './warehouse';
import { folded } from '../naming';

export function copyAltered(table: DestinationTable, what: string): ConnectorError {
  return new ConnectorError(`The table ${table.name} of the warehouse was altered there: ${what}.`, {
    code: COPY_ALTERED,
    kind: 'source',
    hint: 'Rename or drop that table.',
  });
}

/** The present types of the table's columns, in their order; throws where its rows could not be added as they are. */
export function storedTypes(table: DestinationTable, present: readonly PresentColumn[]): string[] {
  const altered = (what: string): ConnectorError => copyAltered(table, what);
  const byName = new Map(present.map((column) => [folded(column.name), column]));
  const added = ['sync_timestamp', '_fivetran_synced', '_fivetran_deleted'];
  if (table.primaryKey.length === 0) added.push('_fivetran_id');
  for (const name of [...table.columns.map((column) => column.name), ...added])
    if (!byName.has(folded(name))) throw altered(`it lacks column ${name}`);
  const known = new Set([...table.columns.map(({ name }) => name), ...added].map(folded));
  const demanding = present.find(({ name, needsValue }) => needsValue && !known.has(folded(name)));
  if (demanding !== undefined) throw altered(`its column ${demanding.name} demands a value`);
  return table.columns.map(({ name, type }) => {
    const stored = byName.get(folded(name))?.type ?? '';
    if (!isOfOurMaking(stored, type)) throw altered(`its column ${name} is ${stored}, and was ${duckdbType(type)}`);
    return stored;
  });
}

/** Whether the type is the one that the column was given, or one that its values have needed since. */
function isOfOurMaking(stored: string, type: ColumnType): boolean {
  if (stored === 'VARCHAR' || stored === duckdbType(type)) return true;
  return type.kind === 'decimal-unbounded' && decimalShape(stored)?.precision === 38;
}
