/** Tells which tables a sync would include, and which it could not. */
import { counted } from '../../common/counted';
import type { ConnectorError } from '../../common/errors';
import type { SyncPlan } from '../../model/plan';
import { tableKey, type TableSchema } from '../../model/table';
import { quoteQualified } from '../../postgres/connection';
import { listColumns } from '../column-policy';
import { describePolicies } from '../discovery';
import { columnDetails } from '../plan/column-details';
import { groupByMode, listTables } from '../plan/mode-groups';
import { failure, ok, warning, type Finding } from './finding';

/** Tables named in a line for people; the finding has all of them. */
const LISTED = 10;

export interface TablesFound {
  readonly plan: SyncPlan;
  /** By table: why it cannot be read, or not be written under its name. */
  readonly unusable: ReadonlyMap<string, ConnectorError>;
  /** Relations whose size is a guess. */
  readonly withoutStatistics: ReadonlySet<number>;
  /** The warnings of discovery. */
  readonly warnings: readonly string[];
  /** Columns that no rule of `columns` names are a failure. */
  readonly refusesUnlisted: boolean;
}

export function checkTables(found: TablesFound): readonly Finding[] {
  const { plan, unusable, withoutStatistics, warnings } = found;
  const findings: Finding[] = [];
  for (const [key, error] of unusable) findings.push(failure(`table ${key}`, error.message, error.hint));
  for (const message of warnings) findings.push(warning('tables', message, 'Correct it, or go on if it is meant so.'));
  for (const { table } of plan.tables) {
    const policies = describePolicies(table);
    if (policies !== undefined) {
      const advice = table.rowSecurity
        ? 'Give the role BYPASSRLS or a policy of its own, if all rows are wanted.'
        : 'Give the table policies as well, if the role should not see all of them.';
      findings.push(
        warning(`table ${tableKey(table)}`, `Row-level security applies to the role: ${policies}.`, advice),
      );
    }
    const unlisted = found.refusesUnlisted ? listColumns(table, 'unlisted') : '';
    if (unlisted !== '')
      findings.push(
        failure(
          `table ${tableKey(table)}`,
          `No rule of "columns" names ${unlisted}; a sync leaves them out.`,
          'Give each a rule: keep, exclude, hash, null or mask.',
        ),
      );
    const guessed = table.relations.filter((relation) => withoutStatistics.has(relation.oid));
    if (guessed.length > 0) findings.push(missingStatistics(table, guessed));
  }
  findings.push(...summary(plan), ...columnSummary(plan));
  return findings;
}

/** Nothing where no column has a rule. */
function columnSummary({ tables }: SyncPlan): readonly Finding[] {
  const details = tables.flatMap(({ table }) => columnDetails(table));
  if (details.length === 0) return [];
  const counts = new Map<string, number>();
  for (const { rule, leftOut } of details) {
    const what = leftOut === 'denied' ? 'left out, denied' : leftOut === 'unlisted' ? 'left out, unlisted' : rule;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  const list = [...counts].map(([what, count]) => `${count} ${what}`).join(', ');
  return [ok('columns', `Not read as they are: ${list}; \`pgsluice plan\` names them`)];
}

function missingStatistics(table: TableSchema, relations: TableSchema['relations']): Finding {
  const statements = relations.map(({ schema, name }) => `ANALYZE ${quoteQualified(schema, name)};`);
  return warning(
    `table ${tableKey(table)}`,
    'It was never analyzed, so its size is a guess, and with it batch size and readers.',
    `Have its owner run: ${statements.slice(0, 3).join(' ')}${statements.length > 3 ? ` … (${statements.length} partitions)` : ''}`,
  );
}

function summary(plan: SyncPlan): readonly Finding[] {
  if (plan.tables.length === 0) {
    return [failure('tables', 'There is no table to sync.', 'Check "database", "table_filters" and the privileges.')];
  }
  const modes = new Map<string, number>();
  for (const { mode } of plan.tables) modes.set(mode, (modes.get(mode) ?? 0) + 1);
  const list = [...modes].map(([mode, count]) => `${count} ${mode}`).join(', ');
  const groups = groupByMode(
    plan.tables.map(({ table, mode, modeReason }) => ({ table: tableKey(table), mode, reason: modeReason })),
  );
  const keyless = plan.tables.filter(({ table }) => table.primaryKey.length === 0).map(({ table }) => tableKey(table));
  return [
    ok('tables', `${counted(plan.tables.length, 'table')} to sync; by mode: ${list}`),
    ...groups.map(({ mode, reason, tables }): Finding => {
      return { ...ok(`mode ${mode}`, `${reason}: ${listTables(tables, LISTED)}`), tables };
    }),
    ...(keyless.length === 0
      ? []
      : [
          ok(
            'keys',
            `${keyless.length} without a primary key, told apart by content and read whole: ${listTables(keyless)}`,
          ),
        ]),
  ];
}
