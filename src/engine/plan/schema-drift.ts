/** Says in words what has changed about a table's shape since its last sync. */
import { createHash } from 'node:crypto';
import type { ColumnShape, TableShape } from '../../model/sync-state';
import type { TableSchema } from '../../model/table';

/** `read` are the columns that are selected. */
export function shapeOf(table: TableSchema, read: readonly { readonly name: string }[]): TableShape {
  const columns = table.columns.map(({ name, declaredType, place, madeOf, labels }): ColumnShape => [
    name,
    declaredType,
    place,
    madeOf === '' ? '' : createHash('sha256').update(madeOf).digest('hex').slice(0, 12),
    labels.length,
  ]);
  const selected = new Set(read.map(({ name }) => name));
  const left = table.columns.filter(({ name }) => !selected.has(name)).map(({ name }) => name);
  return { oid: table.oid, columns, ...(left.length === 0 ? {} : { left }) };
}

/** How many enum labels each column's type had. */
export function labelsIn(shape: TableShape): ReadonlyMap<string, number> {
  return new Map(shape.columns.map(([name, , , , labels]) => [name, labels]));
}

export interface Drift {
  /** A phrase: `column a added, column b dropped`. */
  readonly description: string;
  /** Only columns were added, so the stored values keep their meaning. */
  readonly onlyAdded: boolean;
}

/** undefined: the shape is the same. Only enum labels, rules or names can then differ. */
export function describeDrift(before: TableShape, now: TableShape, sameKey: boolean): Drift | undefined {
  const was = new Map(before.columns.map((column) => [column[0], column]));
  const is = new Set(now.columns.map(([name]) => name));
  const added = now.columns.filter(([name]) => !was.has(name)).map(([name]) => `column ${name} added`);
  const other = [
    ...(before.oid === now.oid ? [] : ['the table was created anew']),
    ...(sameKey ? [] : ['the primary key is another']),
    ...before.columns.filter(([name]) => !is.has(name)).map(([name]) => `column ${name} dropped or renamed`),
    ...now.columns.flatMap((column) => changeOf(was.get(column[0]), column)),
  ];
  const parts = [...other, ...added, ...selectionOf(before, now)];
  if (parts.length === 0) return undefined;
  const shown = parts.slice(0, SHOWN_CHANGES);
  const more = parts.length - shown.length;
  return {
    description: `${shown.join(', ')}${more > 0 ? `, and ${more} more changes` : ''}`,
    onlyAdded: other.length === 0,
  };
}

/** Columns that exist as before, but that the user now selects or leaves out. */
function selectionOf(before: TableShape, now: TableShape): string[] {
  const [was, is] = [new Set(before.left), new Set(now.left)];
  const both = now.columns.map(([name]) => name).filter((name) => before.columns.some(([other]) => other === name));
  return both
    .filter((name) => was.has(name) !== is.has(name))
    .map((name) => `column ${name} is ${is.has(name) ? 'no longer' : 'now'} selected`);
}

function changeOf(before: ColumnShape | undefined, now: ColumnShape): string[] {
  if (before === undefined) return [];
  const [name, type, place, madeOf] = now;
  if (before[1] !== type) return [`column ${name} changed from ${before[1]} to ${type}`];
  if (before[2] !== place) return [`column ${name} is another one of that name, by being renamed or added anew`];
  return before[3] === madeOf ? [] : [`column ${name} has another composite type or expression`];
}

/** A table that was replaced altogether would make a line of hundreds of names. */
const SHOWN_CHANGES = 10;
