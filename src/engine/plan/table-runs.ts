/**
 * Makes runs from the plan: it names tables in the destination, applies rules, finds earlier states and reports
 * conflicts.
 */
import { createHash } from 'node:crypto';
import { asConnectorError, ConnectorError } from '../../common/errors';
import type { Logger } from '../../common/logger';
import { destinationColumnNames, destinationTableName, folded, type Naming } from '../../destinations/naming';
import type { PlannedTable, SyncPlan } from '../../model/plan';
import type { SourceSelection } from '../../model/source-selection';
import type { TableShape, TableState } from '../../model/sync-state';
import { tableKey, type TableSchema } from '../../model/table';
import { isOwnName } from '../../model/table-template';
import { isKnownSource } from '../../postgres/catalog';
import type { DestinationTable } from '../../destinations/destination';
import { describeTable, METADATA_TABLE_NAMES } from './metadata-tables';
import { describeDrift, holdsOtherValues, labelsIn, shapeOf } from './schema-drift';
import { logReach, type LogOutlook } from './log-outlook';
import { decidePass } from './pass-plan';
import { takesLongToScan, type ModeDecision } from './sync-modes';
import { TableRun } from './table-run';
import { applyTransformations, type TableSelection, type Transformation } from '../rules';

export interface RunsOptions {
  readonly naming: Naming;
  /** Template of names; see destinations/naming. */
  readonly destinationTable: string;
  readonly rules: readonly Transformation[];
  readonly region: string | undefined;
  readonly destinationSchema: string;
  readonly source: string;
  readonly fullResync: (table: TableSchema) => boolean;
  readonly keysOnly: boolean;
  /** Compare keys in every table, whatever the counts are. */
  readonly reconcile: boolean;
  readonly reconcileEvery: number | undefined;
  readonly schemaDrift: 'evolve' | 'warn' | 'fail';
  readonly selection?: SourceSelection | undefined;
  /** See `Destination.comparesKeys`. */
  readonly comparesKeys: boolean;
  /** undefined: no log is followed. */
  readonly log?: LogOutlook | undefined;
  readonly logger: Logger;
}

export interface TableRuns {
  readonly runs: readonly TableRun[];
  /** Tables that cannot be synced, by key. */
  readonly refused: ReadonlyMap<string, ConnectorError>;
}

export function createRuns(plan: SyncPlan, states: ReadonlyMap<string, TableState>, options: RunsOptions): TableRuns {
  const owners = new Map<string, string>(METADATA_TABLE_NAMES.map((name) => [folded(name), '']));
  for (const [key, state] of states) owners.set(folded(state.destinationTable), key);
  const runs: TableRun[] = [];
  const refused = new Map<string, ConnectorError>();
  for (const [index, planned] of plan.tables.entries()) {
    const key = tableKey(planned.table);
    try {
      const run = createRun(planned, index + 1, states.get(key) ?? null, options);
      if (options.keysOnly && !run.readsChanges) {
        options.logger.info(`${key} is left to the next sync: it has no key to compare, or was never synced.`);
        continue;
      }
      const name = folded(run.destinationTable.name);
      const owner = isOwnName(name) ? '' : (owners.get(name) ?? key);
      if (owner !== key) {
        const other = plan.tables.find(({ table }) => tableKey(table) === owner)?.table;
        throw nameTaken(planned.table, run.destinationTable.name, { key: owner, table: other }, options);
      }
      owners.set(name, key);
      runs.push(run);
    } catch (error) {
      refused.set(key, asConnectorError(error));
    }
  }
  return { runs, refused };
}

function createRun(
  planned: PlannedTable,
  position: number,
  committed: TableState | null,
  options: RunsOptions,
): TableRun {
  const { table } = planned;
  const everything = applyTransformations(table, options.rules, options.region);
  const names = destinationColumnNames(
    everything.columns.map((column) => column.name),
    options.naming,
  );
  const nameOf = new Map(everything.columns.map((column, index) => [column.name, names[index] ?? column.name]));
  const selection = selectedColumns(table, everything, nameOf, options.selection);
  tellOfOtherNames(table, nameOf, options);
  const primaryKey = table.primaryKey.map((column) => nameOf.get(column) ?? column);
  const previousKey = committed?.lastSyncedAt == null ? null : committed.primaryKey;
  const sameKey = previousKey === null || previousKey.join('\0') === primaryKey.join('\0');
  const shape = shapeOf(table, selection.columns);
  const sameRules = committed?.lastSyncedAt == null || haveSameRules(committed, shape);
  const destinationTable = {
    key: tableKey(table),
    name: destinationTableName(table, options.naming, options.destinationTable),
    columns: selection.columns.map(({ name, type }) => ({ name: nameOf.get(name) ?? name, type })),
    primaryKey,
    keysMayRepeat: selection.keysMayChange,
    // They hold what the rules of before let through.
    keepDeletedRows: sameKey && sameRules,
  };
  // Another template changes the name of a table, and nothing in it.
  const place = { schema: options.destinationSchema, name: destinationTableName(table, options.naming) };
  const signature = signatureOf(table, place, destinationTable, selection);
  const earlier = committed?.shape ?? null;
  const comparable =
    earlier === null ? signature : signatureOf(table, place, destinationTable, selection, labelsIn(earlier));
  const drifted = committed?.signature != null && committed.signature !== comparable;
  if (drifted) reportDrift(shape, committed, { key: tableKey(table), sameKey, sameRules }, options);
  const decision = decisionOf(planned);
  const fresh = options.fullResync(table);
  const logged = decision.mode === 'log' ? options.log?.tables.get(table.oid) : undefined;
  const { pass, notice } = decidePass({
    decision,
    state: committed,
    signature: comparable,
    source: options.source,
    fullResync: fresh,
    hasKey: primaryKey.length > 0 && planned.readMethod === 'ranges',
    readByRanges: planned.readMethod === 'ranges',
    logReachesBack: logReach(committed, logged, options.log) === 'reaches',
    filtersRows: selection.conditions.length > 0,
    mayDifferUnchanged: selection.rulesApply || table.policiesLookElsewhere === true || !isKnownSource(options.source),
    keysOnly: options.keysOnly,
    reconcile: options.reconcile,
    reconcileEvery: options.comparesKeys
      ? proofInterval(options.reconcileEvery, decision, table)
      : options.reconcileEvery,
    trustsColumn: options.reconcileEvery !== undefined || takesLongToScan(table) || planned.readMethod !== 'ranges',
    comparesKeys: options.comparesKeys,
  });
  if (notice !== undefined) options.logger[notice.level](`${tableKey(table)} ${notice.message}`);
  return new TableRun({
    planned,
    position,
    selection,
    destinationTable,
    signature,
    // What is known of before is not replaced by what cannot be read now.
    description: (table.undescribed === true ? committed?.description : null) ?? describeTable(table),
    source: options.source,
    decision,
    pass,
    committed,
    fresh,
    logged,
  });
}

function tellOfOtherNames(table: TableSchema, nameOf: ReadonlyMap<string, string>, options: RunsOptions): void {
  for (const [source, name] of nameOf) {
    if (options.naming !== 'source' || source === name) continue;
    options.logger.warning(
      `Column ${source} of ${tableKey(table)} is called ${name} in ${placeOf(options)}: the name is taken there.`,
    );
  }
}

/** An unselected column is not read, unless a rule in JavaScript may need it. */
function selectedColumns(
  table: TableSchema,
  everything: TableSelection,
  nameOf: ReadonlyMap<string, string>,
  selection: SourceSelection | undefined,
): TableSelection {
  if (selection === undefined || everything.batchRules.length > 0) return everything;
  const columns = everything.columns.filter(
    ({ name }) => table.primaryKey.includes(name) || selection.includesColumn(table, nameOf.get(name) ?? name),
  );
  return { ...everything, columns };
}

/** An update column that is trusted for want of time is not trusted for long. */
const PASSES_BETWEEN_LONG_SCANS = 24;

function proofInterval(configured: number | undefined, { mode }: ModeDecision, table: TableSchema): number | undefined {
  return configured ?? (mode === 'timestamp' && takesLongToScan(table) ? PASSES_BETWEEN_LONG_SCANS : undefined);
}

function decisionOf(planned: PlannedTable): ModeDecision {
  return { mode: planned.mode, reason: planned.modeReason, replicationKey: planned.replicationKey };
}

/**
 * The facts that must stay the same for a load or a pass over changes to go on. `labelsKnown`: only so many enum labels
 * of each column count, because a new one changes nothing about the present rows.
 */
function signatureOf(
  table: TableSchema,
  place: { readonly schema: string; readonly name: string },
  destination: DestinationTable,
  selection: TableSelection,
  labelsKnown: ReadonlyMap<string, number> = new Map(),
): string {
  const read = new Set(selection.columns.map(({ name }) => name));
  const parts = [
    table.oid,
    place.schema,
    place.name,
    destination.columns,
    destination.primaryKey,
    // Whether NULL is allowed decides how a column travels, but not its values.
    selection.columns.map(({ name, type, textExpression }) => [name, type, textExpression]),
    selection.conditions,
    table.columns
      .filter(({ name }) => read.has(name))
      .map(({ name, place, madeOf, labels }) => [name, place, madeOf, labels.slice(0, labelsKnown.get(name))]),
    // Other policies show other rows, though none was written. Without policies, nothing is added.
    ...(table.policies === undefined ? [] : [table.policies]),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/**
 * Logs what changed: as a warning where data may have changed its meaning, as an error where the user allows no change.
 */
function reportDrift(
  now: TableShape,
  committed: TableState | null,
  { key, sameKey, sameRules }: { readonly key: string; readonly sameKey: boolean; readonly sameRules: boolean },
  options: RunsOptions,
): void {
  const found = committed?.shape == null ? undefined : describeDrift(committed.shape, now, sameKey);
  const what =
    found?.description ??
    `labels of an enum, its transformations, its row-level security or names in ${placeOf(options)} are others`;
  // Other rules are the user's own wish, and what is there must not stay as it is.
  if (options.schemaDrift === 'fail' && found?.onlyRules !== true) throw driftRefused(key, what);
  const level = options.schemaDrift === 'warn' || found?.onlyAdded !== true ? 'warning' : 'info';
  const keyNote = sameKey || !options.comparesKeys ? '' : ' Rows marked deleted under the old key are dropped.';
  const rulesNote = sameRules ? '' : options.comparesKeys ? DROPPED_BY_RULES : KEPT_ELSEWHERE;
  options.logger[level](`${key} has changed: ${what}. It is loaded from the start.${keyNote}${rulesNote}`);
}

const DROPPED_BY_RULES =
  ' Rows marked deleted are dropped, since they hold the values of before; blocks of the file that were theirs hold them until they are used again (docs/PRIVACY.md).';
const KEPT_ELSEWHERE =
  ' The destination may keep columns, and rows marked deleted, with the values of before (docs/PRIVACY.md).';

function haveSameRules({ shape }: TableState, now: TableShape): boolean {
  return shape === null ? now.rules === undefined : !holdsOtherValues(shape, now);
}

function driftRefused(key: string, what: string): ConnectorError {
  return new ConnectorError(`${key} has changed: ${what}.`, {
    code: 'schema_drift',
    kind: 'source',
    hint: 'Set "schema_drift" to "evolve" or "warn" to follow; what was copied of it was left as it is.',
  });
}

/** A destination that does not compare keys is reached over a wire, and has no warehouse. */
function placeOf({ comparesKeys }: RunsOptions): string {
  return comparesKeys ? 'the warehouse' : 'the destination';
}

/** Keeps tables apart whose names differ elsewhere than in case. */
const DISTINCT_TEMPLATE = 'source_{schema}__{table}';

function nameTaken(
  table: TableSchema,
  name: string,
  owner: { readonly key: string; readonly table: TableSchema | undefined },
  options: RunsOptions,
): ConnectorError {
  const key = tableKey(table);
  const holder = owner.key === '' ? 'a table of the connector itself' : owner.key;
  const distinct = (of: TableSchema): string => folded(destinationTableName(of, options.naming, DISTINCT_TEMPLATE));
  const template =
    owner.table !== undefined && distinct(owner.table) === distinct(table)
      ? 'Leave'
      : `Set "destination_table" to a template that tells them apart, such as "${DISTINCT_TEMPLATE}", or leave`;
  return new ConnectorError(`${key} would be called ${name} in ${placeOf(options)}, which is the name of ${holder}.`, {
    code: 'name_collision',
    kind: 'source',
    hint: options.comparesKeys ? `${template} ${OTHER_WAREHOUSE}` : OTHER_FORM,
  });
}

const OTHER_FORM =
  'Set "with_schema" to true, which keeps every table under its schema, or leave one of them out with "table_filters".';
const OTHER_WAREHOUSE =
  'one of them out with "table_filters" and sync it into another "destination_schema". Where the owner of the name is gone from the source, `pgsluice forget --drop` frees its name.';
