/** Finds what there is to sync: it makes the plan from catalog and filters, and logs what a user should know. */
import { counted } from '../common/counted';
import { ConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import type { Settings } from '../config/settings';
import { nearest } from '../config/nearest';
import { compileTableFilter } from '../config/table-filter';
import { tableOptions } from '../config/table-options';
import type { SyncPlan } from '../model/plan';
import type { SourceSelection } from '../model/source-selection';
import { tableKey, type HiddenMember, type TableSchema } from '../model/table';
import { isKnownSource, type KeyCandidate } from '../postgres/catalog';
import { decideMode, createPlan, type ModeSetting } from '../engine/plan';
import {
  applyTransformations,
  BUILT_IN_TRANSFORMATIONS,
  describeForRules,
  type Transformation,
  type TransformationModule,
} from '../engine/rules';
import { nothingLeft, unmatchedPatterns } from './unmatched-patterns';
import { applyColumnPolicy, inClear, whyNotRead, withheldNotes } from './column-policy';
import { describeGaps, planLog, type LogPlan } from './log-outlook';
import { logNames, type SourceFindings } from './read-catalog';

export interface Discovery {
  readonly plan: SyncPlan;
  /** Tables that match the filters and cannot be read, by key. */
  readonly unreadable: ReadonlyMap<string, ConnectorError>;
  /** Keys of all tables of the source, filtered out or not. */
  readonly existing: ReadonlySet<string>;
  /** Who the server is; see postgres/catalog/source-identity. */
  readonly source: string;
  /** Name of the database. */
  readonly database: string;
  /** undefined: no log is followed. */
  readonly log: LogPlan['outlook'];
  /** undefined: there is no slot of ours, and nobody asks for mode log. */
  readonly logFacts: SourceFindings['log'];
  /** The user's rules, with which it was planned. */
  readonly module: TransformationModule;
}

export interface PlanContext {
  readonly selection?: SourceSelection | undefined;
  /** See `Destination.comparesKeys`. */
  readonly comparesKeys?: boolean | undefined;
  /** The destination remembers no position in the log of the source. */
  readonly withoutLog?: boolean;
  /** The caller reports by itself to which tables row-level security applies, and which columns are left out. */
  readonly tellsOfPolicies?: boolean;
  /** The caller says itself what stands in the way of mode log. */
  readonly tellsOfLog?: boolean;
}

function tellServer({ version, database, standby }: SourceFindings['catalog']['server'], logger: Logger): void {
  logger.info(`PostgreSQL ${version}, database ${database}${standby ? ' (standby)' : ''}`, {
    serverVersion: version,
    database,
    standby,
  });
}

/** Decides which of the found tables are synced, and how; logs what a user should know. */
export function planOf(
  { catalog, candidates, source, roundTripMs, losses, log: facts }: SourceFindings,
  settings: Settings,
  module: TransformationModule,
  logger: Logger,
  { selection, comparesKeys = true, withoutLog = false, tellsOfPolicies = false, tellsOfLog = false }: PlanContext = {},
): Discovery {
  tellServer(catalog.server, logger);
  for (const loss of losses) logger.warning(loss);
  const filter = compileTableFilter(settings.tableFilters);
  const policy = applyColumnPolicy(catalog.tables, settings);
  const wanted = policy.tables.filter(
    (table) => filter.includes(table) && included(module, table) && (selection?.includesTable(table) ?? true),
  );
  const { tableFilters } = settings;
  if (tableFilters.length > 0 && catalog.tables.length > 0 && !catalog.tables.some((table) => filter.includes(table)))
    throw nothingLeft(tableFilters, catalog);
  for (const warning of [...unmatchedPatterns(settings, catalog, wanted), ...policy.warnings]) logger.warning(warning);
  logger.info(`Schema discovery completed: ${counted(wanted.length, 'table')} found`, { tables: wanted.length });
  if (wanted.length === 0) logger.warning(noTables(catalog.tables, selection));
  const unreadable = new Map<string, ConnectorError>();
  for (const table of wanted) {
    const problem = whyNotRead(table, catalog, policy);
    if (problem !== undefined) unreadable.set(tableKey(table), problem);
    if (problem === undefined && table.hiddenMembers !== undefined)
      logger.warning(readAsWhole(table, table.hiddenMembers));
    const notes = problem !== undefined || tellsOfPolicies ? [] : withheldNotes(table, settings);
    for (const { level, message } of notes) logger[level](message);
    const policies = tellsOfPolicies ? undefined : describePolicies(table);
    if (policies !== undefined) logger.warning(`Row-level security applies to ${tableKey(table)}: ${policies}.`);
  }
  const readable = wanted.filter((table) => !unreadable.has(tableKey(table)));
  const optionsOf = tableOptions(settings.tableOptions);
  const candidatesOf = (table: TableSchema): readonly KeyCandidate[] => inClear(table, candidates.get(table.oid) ?? []);
  for (const table of readable) {
    const named = optionsOf(table).replicationKey;
    const columns = candidatesOf(table).map(({ column }) => column);
    if (named !== undefined && !columns.includes(named)) logger.warning(noReplicationKey(table, named, columns));
  }
  const rules = [...BUILT_IN_TRANSFORMATIONS, ...(module.transformations ?? [])];
  const names = logNames(settings, comparesKeys);
  const log = facts === undefined || names === undefined ? undefined : planLog(facts, names, readable, !withoutLog);
  const settingOf = (table: TableSchema): ModeSetting => optionsOf(table).mode ?? settings.syncMode;
  if (log !== undefined && !tellsOfLog) {
    const wishing = readable.filter((table) => settingOf(table) === 'log');
    const tell = log.outlook === undefined ? log.obstacles : describeGaps(wishing, log.gaps);
    for (const sentence of tell) logger.warning(sentence);
  }
  const plan = createPlan(readable, { ...settings, roundTripMs }, (table, batchRows) =>
    decideMode({
      table,
      setting: isKnownSource(source) ? settings.syncMode : 'full',
      options: isKnownSource(source) ? optionsOf(table) : {},
      candidates: candidatesOf(table),
      batchRows,
      comparesKeys,
      logGap:
        log === undefined || (log.outlook === undefined && settingOf(table) !== 'log')
          ? NOT_FOLLOWED
          : log.gaps.get(table.oid),
      keysMayChange: rulesMayChangeKeys(table, rules, settings.region),
    }),
  );
  return {
    plan,
    unreadable,
    source,
    existing: new Set(catalog.tables.map(tableKey)),
    database: catalog.server.database,
    log: log?.outlook,
    logFacts: facts,
    module,
  };
}

const NOT_FOLLOWED = 'there is no slot of ours';

/** The effect of row-level security on the rows that arrive, as the rest of a sentence. */
export function describePolicies({ rowSecurity, policedMembers = [] }: TableSchema): string | undefined {
  if (rowSecurity) return 'only the rows that the role may see are replicated';
  if (policedMembers.length === 0) return undefined;
  const more = policedMembers.length > 1 ? ` and ${policedMembers.length - 1} more` : '';
  return (
    `the policies of ${policedMembers[0] ?? ''}${more}, a part of it, do not apply to a SELECT from the table itself, ` +
    `so all of its rows are replicated`
  );
}

/** A rule that cannot be applied makes its table fail later, with its own sentence. */
function rulesMayChangeKeys(table: TableSchema, rules: readonly Transformation[], region: string | undefined): boolean {
  try {
    return applyTransformations(table, rules, region).keysMayChange;
  } catch {
    return true;
  }
}

function readAsWhole(table: TableSchema, [first, ...others]: readonly HiddenMember[]): string {
  if (first === undefined) return '';
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return (
    `The role may not read ${tableKey(first)}${more} by itself, so ${tableKey(table)} is read whole at each sync, with a cursor; ` +
    `for ranges and changes alone run: ${first.grants}`
  );
}

function noReplicationKey(table: TableSchema, named: string, columns: readonly string[]): string {
  const meant = nearest(named, columns);
  const advice = meant === undefined ? 'correct it in "table_options".' : `did you mean ${meant}?`;
  return `The replication key "${named}" of ${tableKey(table)} is no column of type date or timestamp, or is under a rule of "columns"; ${advice}`;
}

function noTables(found: readonly TableSchema[], selection: SourceSelection | undefined): string {
  if (found.length === 0) return 'The database has no tables, or the role may see none of them; check "database".';
  if (selection !== undefined && !found.some((table) => selection.includesTable(table)))
    return noneOf(found, 'selected');
  return noneOf(found, 'left by the transformations or the selection');
}

function noneOf({ length }: readonly TableSchema[], what: string): string {
  return length === 1
    ? `The database's only table is not ${what}.`
    : `None of the database's ${length} tables is ${what}.`;
}

function included(module: TransformationModule, table: TableSchema): boolean {
  return module.includeTable?.(describeForRules(table)) ?? true;
}
