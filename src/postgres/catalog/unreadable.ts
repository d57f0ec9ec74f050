/** Tells why a relation cannot be read, before it is tried: what to grant, or how to do without it. */
import { ConnectorError } from '../../common/errors';
import { quoteIdentifier, quoteQualified } from '../connection';

interface Named {
  readonly schema: string;
  readonly name: string;
}

export interface Rights extends Named {
  readonly schemaUsage: boolean;
  readonly selectable: boolean;
  /** False for a materialized view that was never refreshed. */
  readonly populated: boolean;
}

export interface ColumnRight {
  readonly name: string;
  readonly selectable: boolean;
}

/** At most so many names in a list for people. */
const MOST_NAMES = 20;

export function whyUnreadable(
  relation: Rights,
  columns: readonly ColumnRight[],
  user: string,
): ConnectorError | undefined {
  const missing = relation.selectable ? [] : columns.filter((column) => !column.selectable);
  const selectable = relation.selectable || (missing.length === 0 && columns.length > 0);
  if (!relation.schemaUsage || !selectable) return denied(relation, columns, missing.length, user);
  if (relation.populated) return undefined;
  return new ConnectorError(`The materialized view ${relation.schema}.${relation.name} was never filled.`, {
    code: 'view_not_populated',
    kind: 'source',
    sqlState: '55000',
    hint: `Have its owner run REFRESH MATERIALIZED VIEW ${quoteQualified(relation.schema, relation.name)}, or leave it out with ${exclusion(relation)}.`,
  });
}

/** Whether all that the role lacks is the right to some of the columns. */
export function isPartlyReadable(relation: Rights, columns: readonly ColumnRight[]): boolean {
  return (
    relation.schemaUsage && !relation.selectable && relation.populated && columns.some(({ selectable }) => selectable)
  );
}

function denied(relation: Rights, columns: readonly ColumnRight[], missing: number, user: string): ConnectorError {
  const { schema, name } = relation;
  const grants = grantsOf(relation, user);
  const error = (what: string, instead: string): ConnectorError =>
    new ConnectorError(`Permission denied: role "${user}" ${what}.`, {
      code: 'permission_denied',
      kind: 'source',
      sqlState: '42501',
      hint: `${instead}, or run: ${grants}`,
    });
  if (!relation.schemaUsage)
    return error(`may not use schema ${schema}`, `Leave the schema out with ${exclusion({ schema, name: '*' })}`);
  if (missing === columns.length)
    return error(`may not read ${schema}.${name}`, `Leave it out with ${exclusion(relation)}`);
  const readable = columns.filter((column) => column.selectable).map((column) => column.name);
  const list = readable.slice(0, MOST_NAMES).join(', ') + (readable.length > MOST_NAMES ? ', …' : '');
  return error(
    `may read only some columns of ${schema}.${name}: ${list}`,
    'Set "columns_denied" to "skip" to leave the others out, or exclude them with "columns"',
  );
}

/** The rights that the role lacks to read the relation by itself. */
export function grantsOf(relation: Rights, user: string): string {
  const { schema, name } = relation;
  const usage = `GRANT USAGE ON SCHEMA ${quoteIdentifier(schema)} TO ${quoteIdentifier(user)};`;
  const select = `GRANT SELECT ON ${quoteQualified(schema, name)} TO ${quoteIdentifier(user)};`;
  return [...(relation.schemaUsage ? [] : [usage]), ...(relation.selectable ? [] : [select])].join(' ');
}

function exclusion({ schema, name }: Named): string {
  return `"!${schema}.${name}" in "table_filters"`;
}
