/** Finds patterns that match no table: they are misspelt, or name a table that is gone or a view that is not asked for. */
import { ConnectorError } from '../common/errors';
import { nearest } from '../config/nearest';
import type { Settings } from '../config/settings';
import { compileTableFilter, type TableName } from '../config/table-filter';
import { tableKey, type TableSchema } from '../model/table';

/** What there is to be matched. */
export interface Matchable {
  readonly tables: readonly TableSchema[];
  readonly viewsLeftOut: readonly TableName[];
}

/** A warning of each. */
export function unmatchedPatterns(
  settings: Settings,
  { tables, viewsLeftOut }: Matchable,
  wanted: readonly TableSchema[],
): readonly string[] {
  const names = [...tables.map(tableKey), ...tables.map(({ name }) => name)];
  const warnings = (option: string, patterns: readonly string[], among: readonly TableSchema[]): readonly string[] =>
    compileTableFilter(patterns)
      .unmatched(among)
      .map((pattern) => {
        const plain = pattern.replace(/^!\s*/, '');
        const meant = nearest(plain, names);
        const view = viewNamed(plain, viewsLeftOut);
        const advice =
          view !== undefined
            ? ofView(view, pattern !== plain)
            : meant === undefined
              ? '`pgsluice plan` shows what there is.'
              : `did you mean ${meant}?`;
        return `The pattern "${pattern}" of "${option}" matches no table; ${advice}`;
      });
  return [
    ...warnings('table_filters', settings.tableFilters, tables),
    // Options may stand ready for tables that this sync leaves out.
    ...warnings(
      'table_options',
      settings.tableOptions.map(([pattern]) => pattern),
      tables,
    ),
    ...(wanted.length === 0 ? [] : warnings('full_resync', settings.fullResync, wanted)),
  ];
}

const MOST_NAMED = 5;

/** Misspelt patterns, or the wrong database: a sync of nothing would look as if all were well. */
export function nothingLeft(patterns: readonly string[], { tables, viewsLeftOut }: Matchable): ConnectorError {
  const keys = tables.map(tableKey);
  const names = [...keys, ...tables.map(({ name }) => name)];
  const positive = patterns.filter((pattern) => !pattern.startsWith('!'));
  const [view] = positive.flatMap((pattern) => viewNamed(pattern, viewsLeftOut) ?? []);
  const meant = positive.flatMap((pattern) => nearest(pattern, names) ?? []);
  const more = keys.length - MOST_NAMED;
  const hint =
    view !== undefined
      ? `${tableKey(view)} is a view: add --include-views (or "include_views": "true").`
      : meant.length > 0
        ? `Did you mean ${[...new Set(meant)].join(', ')}?`
        : `The database has ${keys.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
  const quoted = patterns.map((pattern) => `"${pattern}"`).join(', ');
  return new ConnectorError(`No table is left by "table_filters" (${quoted}).`, {
    code: 'no_tables_left',
    kind: 'configuration',
    hint,
  });
}

function viewNamed(pattern: string, views: readonly TableName[]): TableName | undefined {
  const filter = compileTableFilter([pattern]);
  return views.find((view) => filter.includes(view));
}

function ofView(view: TableName, excluded: boolean): string {
  const name = `it names the view ${tableKey(view)}`;
  return excluded
    ? `${name}, which is left out in any case.`
    : `${name}: add --include-views (or "include_views": "true") to replicate it.`;
}
