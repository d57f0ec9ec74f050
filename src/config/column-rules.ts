/** What the user says of single columns: `columns`, an object from patterns to actions. */
import { ConnectorError } from '../common/errors';
import { actionText, type ColumnAction, type ColumnRule } from '../model/column-policy';
import { jsonEntries } from './json-option';
import { nearest } from './nearest';
import { globMatcher, type TableName } from './table-filter';

const PLAIN = ['keep', 'exclude', 'hash', 'null'] as const;
const FORMS = ['email', 'phone'] as const;
const WORDS = [...PLAIN, 'mask', ...FORMS.map((form) => `mask:${form}`), 'mask:last:4'];
const MOST_SHOWN = 100;

/** `text` is JSON, or the path from `directory` of a file that holds it: `{"public.people.email": "hash"}`. */
export function parseColumnRules(text: string, directory: string): readonly ColumnRule[] {
  const entries = jsonEntries(text, directory, 'must be a JSON object from columns to actions', invalid);
  return entries.map(([pattern, value]) => {
    if (pattern.trim() === '') throw invalid('has a rule without a column');
    return { pattern: pattern.trim(), action: parseAction(pattern, value) };
  });
}

function parseAction(pattern: string, value: unknown): ColumnAction {
  const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
  const plain = PLAIN.find((kind) => kind === text);
  if (plain !== undefined) return { kind: plain };
  if (text === 'mask') return { kind: 'mask', form: 'all' };
  const form = FORMS.find((each) => `mask:${each}` === text);
  if (form !== undefined) return { kind: 'mask', form };
  const shown = Number(/^mask:last:(\d{1,3})$/.exec(text)?.[1] ?? 0);
  if (shown >= 1 && shown <= MOST_SHOWN) return { kind: 'mask', form: 'last', shown };
  const meant = text === '' ? undefined : nearest(text, WORDS);
  throw invalid(
    `has ${JSON.stringify(value)} for "${pattern}"${meant === undefined ? '' : ` (did you mean "${meant}"?)`}; it must be one of ${WORDS.join(', ')}`,
  );
}

function invalid(what: string, cause?: unknown): ConnectorError {
  return new ConnectorError(`The option "columns" ${what}.`, {
    code: 'column_rules',
    kind: 'configuration',
    hint: 'Example: {"public.people.email": "hash", "*.phone": "mask:phone", "people.notes": "exclude"}.',
    cause,
  });
}

/** Whether any rule needs the key. */
export function hashes(rules: readonly ColumnRule[]): boolean {
  return rules.some(({ action }) => action.kind === 'hash');
}

export interface ColumnRules {
  /** The rule that counts; undefined where none names the column. */
  readonly of: (table: TableName, column: string) => ColumnRule | undefined;
}

/**
 * Globs as in `table_filters`, over `schema.table.column`; a pattern with one dot is matched with `table.column`, one
 * without a dot with the column's name alone. Later rules win.
 */
export function compileColumnRules(rules: readonly ColumnRule[]): ColumnRules {
  const compiled = rules.map((rule) => ({ rule, matches: columnMatcher(rule.pattern) })).reverse();
  return { of: (table, column) => compiled.find(({ matches }) => matches(table, column))?.rule };
}

type ColumnMatcher = (table: TableName, column: string) => boolean;

function columnMatcher(pattern: string): ColumnMatcher {
  const dots = pattern.split('.').length - 1;
  const matches = globMatcher(pattern);
  if (dots === 0) return (_, column) => matches(column);
  if (dots === 1) return ({ name }, column) => matches(`${name}.${column}`);
  return ({ schema, name }, column) => matches(`${schema}.${name}.${column}`);
}

export interface NamedColumn {
  readonly table: TableName;
  readonly column: string;
}

/** A sentence for each rule that changes nothing: it names no column, or later ones say otherwise of all that it names. */
export function idleRules(rules: readonly ColumnRule[], columns: readonly NamedColumn[]): readonly string[] {
  const { of } = compileColumnRules(rules);
  const winning = new Set(columns.map(({ table, column }) => of(table, column)));
  return rules
    .filter((rule) => !winning.has(rule))
    .map((rule) => {
      const matches = columnMatcher(rule.pattern);
      const named = columns.find(({ table, column }) => matches(table, column));
      const said = `The rule "${rule.pattern}": "${actionText(rule.action)}" of "columns"`;
      if (named === undefined) return `${said} names no column; ${advice(rule.pattern, columns)}`;
      const winner = of(named.table, named.column);
      return `${said} has no effect: of each column that it names, a later rule says otherwise ("${winner?.pattern ?? ''}" of ${named.table.schema}.${named.table.name}.${named.column}).`;
    });
}

function advice(pattern: string, columns: readonly NamedColumn[]): string {
  const names = columns.flatMap(({ table: { schema, name }, column }) => [
    `${schema}.${name}.${column}`,
    `${name}.${column}`,
    column,
  ]);
  const meant = nearest(pattern, [...new Set(names)]);
  return meant === undefined ? '`pgsluice plan` shows what there is.' : `did you mean ${meant}?`;
}
