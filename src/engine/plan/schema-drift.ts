/** Says in words what has changed about a table's shape since its last sync. */
import { plural } from '../../common/counted';
import { createHash } from 'node:crypto';
import { actionText } from '../../model/column-policy';
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
  const rules = rulesOf(table);
  return {
    oid: table.oid,
    columns,
    ...(left.length === 0 ? {} : { left }),
    ...(rules.length === 0 ? {} : { rules }),
  };
}

const EXCLUDED = 'exclude';

function rulesOf({ columns, withheld = [] }: TableSchema): NonNullable<TableShape['rules']> {
  return [
    ...columns.flatMap(({ name, policy }) =>
      policy === undefined
        ? []
        : [[name, [actionText(policy.action), policy.hashId].filter(Boolean).join(' ')] as const],
    ),
    ...withheld.map(({ name }) => [name, EXCLUDED] as const),
  ];
}

/** Columns under another rule than at the last sync, as phrases. */
export function otherRules(before: TableShape, now: TableShape): readonly string[] {
  const [was, is] = [new Map(before.rules), new Map(now.rules)];
  return namesUnderOtherRules(before, now).map(
    (name) => `column ${name} has the rule ${ruleText(is.get(name))}, and had ${ruleText(was.get(name))}`,
  );
}

/**
 * Whether rows of the last sync hold something of a column that is now under another rule. It must not stay: neither in
 * rows that are live nor in those that are marked deleted.
 */
export function holdsOtherValues(before: TableShape, now: TableShape): boolean {
  const was = new Map(before.rules);
  return namesUnderOtherRules(before, now).some((name) => was.get(name) !== EXCLUDED);
}

function namesUnderOtherRules(before: TableShape, now: TableShape): readonly string[] {
  const [was, is] = [new Map(before.rules), new Map(now.rules)];
  const present = new Set([...now.columns.map(([name]) => name), ...is.keys()]);
  const known = new Set([...before.columns.map(([name]) => name), ...was.keys()]);
  return [...known].filter((name) => present.has(name) && was.get(name) !== is.get(name));
}

function ruleText(rule: string | undefined): string {
  return rule ?? 'keep';
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
  /** Nothing but the rules of columns is another. */
  readonly onlyRules: boolean;
}

/** undefined: the shape is the same. Only enum labels, rules or names can then differ. */
export function describeDrift(before: TableShape, now: TableShape, sameKey: boolean): Drift | undefined {
  const was = new Map(before.columns.map((column) => [column[0], column]));
  const is = new Set([...now.columns.map(([name]) => name), ...(now.rules ?? []).map(([name]) => name)]);
  const withheld = new Set((before.rules ?? []).map(([name]) => name));
  const added = now.columns
    .filter(([name]) => !was.has(name) && !withheld.has(name))
    .map(([name]) => `column ${name} added`);
  const rules = otherRules(before, now);
  const other = [
    ...(before.oid === now.oid ? [] : ['the table was created anew']),
    ...(sameKey ? [] : ['the primary key is another']),
    ...before.columns.filter(([name]) => !is.has(name)).map(([name]) => `column ${name} dropped or renamed`),
    ...now.columns.flatMap((column) => changeOf(was.get(column[0]), column)),
  ];
  const unruled = [...other, ...added, ...selectionOf(before, now)];
  const parts = [...unruled, ...rules];
  if (parts.length === 0) return undefined;
  const shown = parts.slice(0, SHOWN_CHANGES);
  const more = parts.length - shown.length;
  return {
    description: `${shown.join(', ')}${more > 0 ? `, and ${more} more ${plural(more, 'change')}` : ''}`,
    onlyAdded: other.length === 0 && rules.length === 0,
    onlyRules: unruled.length === 0,
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
