/** What has changed about a table's shape since its last sync, in words. */
import type { ColumnShape, TableShape } from '../model/sync-state';
import type { TableSchema } from '../model/table';

export function shapeOf(table: TableSchema): TableShape {
  return { oid: table.oid, columns: table.columns.map(({ name, declaredType }) => [name, declaredType] as const) };
}

export interface Drift {
  /** A phrase: `column a added, column b dropped`. */
  readonly description: string;
  /** Only columns were added: what is there keeps its meaning. */
  readonly onlyAdded: boolean;
}

/** undefined: the shape is the same, so that only rules or names differ. */
export function describeDrift(before: TableShape, now: TableShape, sameKey: boolean): Drift | undefined {
  const was = new Map(before.columns);
  const is = new Map(now.columns);
  const added = now.columns.filter(([name]) => !was.has(name)).map(([name]) => `column ${name} added`);
  const other = [
    ...(before.oid === now.oid ? [] : ['the table was created anew']),
    ...(sameKey ? [] : ['the primary key is another']),
    ...before.columns.filter(([name]) => !is.has(name)).map(([name]) => `column ${name} dropped or renamed`),
    ...now.columns.flatMap(([name, type]: ColumnShape) => {
      const earlier = was.get(name);
      return earlier === undefined || earlier === type ? [] : [`column ${name} changed from ${earlier} to ${type}`];
    }),
  ];
  const parts = [...other, ...added];
  if (parts.length === 0) return undefined;
  const shown = parts.slice(0, SHOWN_CHANGES);
  const more = parts.length - shown.length;
  return {
    description: `${shown.join(', ')}${more > 0 ? `, and ${more} more changes` : ''}`,
    onlyAdded: other.length === 0,
  };
}

/** A table that was replaced altogether would make a line of hundreds. */
const SHOWN_CHANGES = 10;
