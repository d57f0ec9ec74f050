/** Compares every table of the source with the warehouse, which is only read. */
import { asConnectorError, ConnectorError, endsRun, interrupted } from '../common/errors';
import type { Logger } from '../common/logger';
import { settleAll } from '../common/settle-all';
import type { Settings } from '../config/settings';
import { placeOf } from '../destinations/place';
import { accessTo } from '../destinations/registry';
import { destinationTableName } from '../destinations/naming';
import type { PlannedTable } from '../model/plan';
import type { TableState } from '../model/sync-state';
import { tableKey } from '../model/table';
import type { TableVerification, VerificationReport } from '../model/verification';
import { monotonicClock } from '../postgres/connection';
import { compareTable, different, READERS_PER_TABLE, type TableComparer } from './compare-table';
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
interface Comparer extends TableComparer {
  readonly context: VerifyContext;
  readonly states: ReadonlyMap<string, TableState>;
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
  const { plan, unreadable } = planOf(findings, settings, module, logger);
  const comparer: Comparer = {
    settings,
    context,
    manager,
    warehouse,
    module,
    states: contents.states,
    server: findings.catalog.server,
    exclusively: oneAtATime(),
    show: context.show,
    sample: context.sample,
    random: context.random ?? Math.random,
    signal,
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
    const { comparison } =
      state?.lastSyncedAt == null
        ? { comparison: different('The warehouse lacks the table: no sync of it has ended yet.') }
        : await compareTable(comparer, planned, name, state);
    return { key, destinationTable: name, seconds: (monotonicClock() - started) / 1000, ...comparison };
  } catch (thrown) {
    if (context.signal.aborted) throw interrupted('The comparison was interrupted.');
    const error = asConnectorError(thrown);
    if (endsRun(error)) throw error;
    context.logger.severe(`${key} could not be compared: ${error.describe()}`);
    return failed(key, name, error, (monotonicClock() - started) / 1000);
  }
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
