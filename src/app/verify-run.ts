/** Compares every table of the source with the warehouse, which is only read. */
import { asConnectorError, ConnectorError, interrupted } from '../common/errors';
import type { Logger } from '../common/logger';
import { settleAll } from '../common/settle-all';
import type { Settings } from '../config/settings';
import { placeOf } from '../destinations/place';
import { accessTo } from '../destinations/registry';
import { destinationColumnNames, destinationTableName } from '../destinations/naming';
import type { ComparableWarehouse } from '../destinations/warehouse-access';
import type { PlannedTable } from '../model/plan';
import type { TableState } from '../model/sync-state';
import { tableKey, type TableSchema } from '../model/table';
import type { TableVerification, VerificationReport } from '../model/verification';
import { type ConnectionManager, monotonicClock } from '../postgres/connection';
import { rangesThroughRoot } from '../postgres/catalog';
import { withoutZeroSigns } from '../postgres/checksum';
import { TableSnapshot } from '../engine/passes';
import { applyTransformations, BUILT_IN_TRANSFORMATIONS, type TransformationModule } from '../engine/rules';
import { otherRules, shapeOf } from '../engine/plan';
import { VerifySource, verifyTable, type TableComparison } from '../engine/verify';
import { planOf } from './discovery';
import { Lifecycle } from './lifecycle';
import { userModule } from './pipeline';
import { readCatalogWhile } from './read-catalog';
import { openSource } from './source-connection';

export interface VerifyContext {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Rows to show of each table. */
  readonly show: number;
  /** Share of each table to read; 1: all. */
  readonly sample: number;
  /** After each table. */
  readonly onTable?: (table: TableVerification, done: number, total: number) => void;
  readonly random?: () => number;
}

/** Two tables at once keep the server busy while the warehouse computes, and the other way round. */
const TABLES_AT_ONCE = 2;
const READERS_PER_TABLE = 2;

interface Comparer {
  readonly settings: Settings;
  readonly context: VerifyContext;
  readonly manager: ConnectionManager;
  readonly warehouse: ComparableWarehouse;
  readonly module: TransformationModule;
  readonly states: ReadonlyMap<string, TableState>;
  readonly encoding: 'UTF8' | 'other';
  readonly exclusively: <T>(action: () => Promise<T>) => Promise<T>;
}

export async function runVerify(settings: Settings, context: VerifyContext): Promise<VerificationReport> {
  const lifecycle = new Lifecycle();
  try {
    return await verifyWithin(lifecycle, settings, context);
  } finally {
    await lifecycle.close();
  }
}

async function verifyWithin(
  lifecycle: Lifecycle,
  settings: Settings,
  context: VerifyContext,
): Promise<VerificationReport> {
  const { logger, signal } = context;
  const started = monotonicClock();
  const access = accessTo(settings);
  const contents = await access.readContents(0);
  if (contents === undefined) throw noWarehouse(settings);
  const connections = TABLES_AT_ONCE * READERS_PER_TABLE;
  const manager = lifecycle.use(openSource(settings, logger, connections), (it) => it.close());
  const { opened: warehouse, findings } = await readCatalogWhile({ manager, settings, logger, signal }, async () =>
    lifecycle.use(await access.openToCompare(), (it) => it.close()),
  );
  // Adding up a large table takes a while.
  const interrupt = (): void => warehouse.interrupt();
  signal.addEventListener('abort', interrupt, { once: true });
  lifecycle.use(interrupt, (it) => signal.removeEventListener('abort', it));
  const module = await userModule(settings);
  const { plan, unreadable, encoding } = planOf(findings, settings, module, logger);
  const comparer: Comparer = {
    settings,
    context,
    manager,
    warehouse,
    module,
    states: contents.states,
    encoding: encoding === 'UTF8' ? 'UTF8' : 'other',
    exclusively: oneAtATime(),
  };
  const tables: TableVerification[] = [...unreadable].map(([key, error]) => failed(key, '', error, 0));
  const queue = [...plan.tables];
  const total = queue.length;
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const result = await verifyPlanned(comparer, next).catch((error: unknown) => {
        // The other worker need not begin a table whose result will not be shown.
        queue.length = 0;
        throw error;
      });
      if (signal.aborted) throw interrupted('The comparison was interrupted.');
      tables.push(result);
      context.onTable?.(result, tables.length - unreadable.size, total);
    }
  };
  await settleAll(Array.from({ length: TABLES_AT_ONCE }, work));
  const { server } = findings.catalog;
  const source = { version: server.version, database: server.database, identity: findings.source };
  return { tables, seconds: (monotonicClock() - started) / 1000, source };
}

async function verifyPlanned(comparer: Comparer, planned: PlannedTable): Promise<TableVerification> {
  const started = monotonicClock();
  const { settings, context, states } = comparer;
  const key = tableKey(planned.table);
  const state = states.get(key);
  const name =
    state?.destinationTable ?? destinationTableName(planned.table, settings.naming, settings.destinationTable);
  try {
    const comparison =
      state?.lastSyncedAt == null
        ? different('The warehouse lacks the table: no sync of it has ended yet.')
        : await compare(comparer, planned, name, state);
    return { key, destinationTable: name, seconds: (monotonicClock() - started) / 1000, ...comparison };
  } catch (thrown) {
    if (context.signal.aborted) throw interrupted('The comparison was interrupted.');
    const error = asConnectorError(thrown);
    if (error.kind === 'destination' || error.kind === 'internal') throw error;
    context.logger.severe(`${key} could not be compared: ${error.describe()}`);
    return failed(key, name, error, (monotonicClock() - started) / 1000);
  }
}

type Comparison = Omit<TableComparison, 'checksum'> & Pick<TableVerification, 'proof'>;

async function compare(
  comparer: Comparer,
  planned: PlannedTable,
  name: string,
  state: TableState,
): Promise<Comparison> {
  const { settings, context, manager, module, exclusively } = comparer;
  const { table } = planned;
  const rules = [...BUILT_IN_TRANSFORMATIONS, ...(module.transformations ?? [])];
  const selected = applyTransformations(table, rules, settings.region);
  const { keepsZeroSigns } = comparer.warehouse;
  const selection = keepsZeroSigns ? selected : { ...selected, columns: withoutZeroSigns(selected.columns) };
  const changed = state.shape === null ? [] : otherRules(state.shape, shapeOf(table, selection.columns));
  if (changed.length > 0) return different(`It was synced under other rules of "columns": ${changed.join(', ')}.`);
  const columns = selection.columns.map((column) => column.name);
  const names = destinationColumnNames(columns, settings.naming);
  const nameOf = (column: string): string => names[columns.indexOf(column)] ?? column;
  const storedColumns = selection.columns.map(({ type }, index) => ({ name: names[index] ?? '', type }));
  const stored = await exclusively(() =>
    comparer.warehouse.table({
      schema: settings.destinationSchema,
      name,
      columns: storedColumns,
      primaryKey: table.primaryKey.map(nameOf),
    }),
  );
  if (stored === undefined) return different(`The warehouse lacks the table ${settings.destinationSchema}.${name}.`);
  const missing = stored.missingColumns;
  if (missing.length > 0) return different(`The warehouse lacks columns of the source: ${missing.join(', ')}.`);
  const readers = Math.min(READERS_PER_TABLE, settings.customThreads ?? planned.threads);
  const asked = throughTheTable(table);
  return await TableSnapshot.with({ manager, table: asked, readers, signal: context.signal }, async (snapshot) => {
    const source = new VerifySource(snapshot, {
      selection,
      primaryKey: table.primaryKey,
      encoding: comparer.encoding,
      syncXmin: state.xmin,
      // Views and foreign tables have no pages.
      hasXmin:
        table.throughRoot === undefined &&
        table.relations.every(({ blocks, withoutSystemColumns }) => blocks > 0 && withoutSystemColumns !== true),
      batchRows: planned.batchRows,
      batchBytes: settings.batchBytes,
      signal: context.signal,
    });
    const { show, sample } = context;
    const random = context.random ?? Math.random;
    const wishes = { columns, primaryKey: table.primaryKey, show, sample, random, exclusively };
    const { checksum, ...comparison } = await verifyTable(source, stored, wishes);
    if (checksum === undefined) return comparison;
    const { lastSyncedAt } = state;
    return { ...comparison, proof: { columns: storedColumns, checksum, snapshotXmin: snapshot.xmin, lastSyncedAt } };
  });
}

/**
 * The table as a user selects from it. A sync may read its partitions one by one, and a comparison that did the same
 * would not see what that loses.
 */
function throughTheTable(table: TableSchema): TableSchema {
  if (table.throughRoot !== undefined || (table.kind !== 'table' && table.kind !== 'partitioned')) return table;
  return { ...table, relations: [rangesThroughRoot(table, table.relations)] };
}

function different(problem: string): TableComparison {
  return { outcome: 'different', sourceRows: null, warehouseRows: null, sample: 1, problem };
}

function failed(key: string, destinationTable: string, error: ConnectorError, seconds: number): TableVerification {
  return { key, destinationTable, outcome: 'failed', sample: 1, sourceRows: null, warehouseRows: null, seconds, error };
}

function noWarehouse(settings: Settings): ConnectorError {
  return new ConnectorError(
    `There is no warehouse at ${placeOf(settings) ?? settings.warehousePath} to compare with.`,
    {
      code: 'warehouse_missing',
      kind: 'destination',
      hint: 'Run `pgsluice sync` first, or name another file with --warehouse.',
    },
  );
}

function oneAtATime(): <T>(action: () => Promise<T>) => Promise<T> {
  let tail: Promise<unknown> = Promise.resolve();
  return async (action) => {
    const result = tail.then(action);
    tail = result.catch(() => undefined);
    return await result;
  };
}
