/** The user's options for single tables: `table_options`, an object from patterns to options. */
import { ConnectorError } from '../common/errors';
import { jsonEntries } from './json-option';
import { compileTableFilter, type TableName } from './table-filter';

const MODES = ['auto', 'full', 'timestamp', 'xmin'] as const;
export type TableMode = (typeof MODES)[number];

export interface TableOptionValues {
  readonly mode?: TableMode;
  /** The column that says when a row was last changed. */
  readonly replicationKey?: string;
}

export type TableOptionsByPattern = readonly (readonly [pattern: string, options: TableOptionValues])[];

/** `text` is JSON, or the path from `directory` of a file that holds it: `{"public.orders": {"mode": "xmin"}}`. */
export function parseTableOptions(text: string, directory: string): TableOptionsByPattern {
  const entries = jsonEntries(text, directory, 'must be a JSON object from tables to options', invalid);
  return entries.map(([pattern, value]) => [pattern, parseOne(pattern, value)] as const);
}

function parseOne(pattern: string, value: unknown): TableOptionValues {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`has no object for "${pattern}"`);
  const { mode, replication_key: replicationKey, ...others } = value as Record<string, unknown>;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined)
    throw invalid(`knows no option "${unknown}" for "${pattern}", only "mode" and "replication_key"`);
  const known = MODES.find((candidate) => candidate === mode);
  if (mode !== undefined && known === undefined)
    throw invalid(`has mode ${JSON.stringify(mode)} for "${pattern}"; it must be one of ${MODES.join(', ')}`);
  if (replicationKey !== undefined && typeof replicationKey !== 'string')
    throw invalid(`needs a column name as "replication_key" of "${pattern}"`);
  return {
    ...(known === undefined ? {} : { mode: known }),
    ...(replicationKey === undefined ? {} : { replicationKey }),
  };
}

function invalid(what: string, cause?: unknown): ConnectorError {
  return new ConnectorError(`The option "table_options" ${what}.`, {
    code: 'table_options',
    kind: 'configuration',
    hint: 'Example: {"public.orders": {"mode": "timestamp", "replication_key": "updated_at"}}.',
    cause,
  });
}

/** The options of one table; where several patterns match, later ones win, option by option. */
export function tableOptions(patterns: TableOptionsByPattern): (table: TableName) => TableOptionValues {
  const compiled = patterns.map(([pattern, options]) => ({ filter: compileTableFilter([pattern]), options }));
  return (table) =>
    compiled
      .filter(({ filter }) => filter.includes(table))
      .reduce<TableOptionValues>((merged, { options }) => ({ ...merged, ...options }), {});
}
