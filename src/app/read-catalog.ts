/** Reads the server's facts and tables, alone or while a warehouse opens. */
import { asConnectorError, ConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import { retryDelaySeconds, sleep } from '../common/retry';
import type { Settings } from '../config/settings';
import { logNamesOf } from '../config/slot-name';
import { compileTableFilter } from '../config/table-filter';
import type { TableSchema } from '../model/table';
import { discover, type Catalog, type KeyCandidate } from '../postgres/catalog';
import type { ConnectionManager } from '../postgres/connection';
import { readLogFacts, type LogFacts, type LogNames } from '../postgres/log';
import { isPartitioned, partitionBytes } from '../engine/plan';
import { distanceFrom, isFar, parametersFor } from '../engine/pressure';

/** The facts about the server and its tables. */
export interface SourceFindings {
  readonly catalog: Catalog;
  readonly candidates: ReadonlyMap<number, readonly KeyCandidate[]>;
  readonly source: string;
  /** See `Session.roundTripMs`. */
  readonly roundTripMs: number;
  /** Sentences about rights that the role lacks. */
  readonly losses: readonly string[];
  /** undefined: there is no slot of ours, and nobody asks for mode log. */
  readonly log: LogFacts | undefined;
}

export interface CatalogReader {
  readonly manager: ConnectionManager;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** False where the rows go elsewhere than into a warehouse of ours, after which a slot could be named. */
  readonly ownWarehouse?: boolean;
  /** In place of what is measured, for tests. */
  readonly roundTripMs?: number | undefined;
}

/**
 * Reads the catalog while `open` opens the warehouse. Without a warehouse nothing else matters: its error comes first,
 * and ends the reading.
 */
export async function readCatalogWhile<T>(
  reader: CatalogReader,
  open: () => Promise<T>,
): Promise<{ readonly opened: T; readonly findings: SourceFindings }> {
  const stop = new AbortController();
  const findings = readCatalog({ ...reader, signal: AbortSignal.any([reader.signal, stop.signal]) }, true);
  findings.catch(() => undefined);
  try {
    return { opened: await open(), findings: await findings };
  } finally {
    stop.abort();
    await findings.catch(() => undefined);
  }
}

/**
 * A server that cannot be reached is tried again as often as a table would be. `rowsFollow`: the tables will be read on
 * the same connections.
 */
export async function readCatalog(
  { manager, settings, logger, signal, ownWarehouse = true, roundTripMs: given }: CatalogReader,
  rowsFollow = false,
): Promise<SourceFindings> {
  return await withRetries(settings, logger, signal, async () => {
    const session = await manager.lease(signal);
    try {
      const names = logNames(settings, ownWarehouse);
      const { includeViews, typeMode } = settings;
      const options = { includeViews, typeMode, slotName: names?.slotName };
      const { source, hasSlot, candidates, ...catalog } = await discover(session, signal, options);
      const roundTripMs = given ?? distanceFrom(session.roundTripMs);
      // While the warehouse is opened, and before the first snapshot: during a login, no statement can begin or end (the
      // odbc package has one lock for all of that). From far away it would take longer than opening.
      if (rowsFollow && !isFar(roundTripMs) && willShare(catalog.tables, settings)) manager.openAhead();
      const asksForLog = names !== undefined && (hasSlot || wishesForLog(settings));
      const oids = asksForLog ? wantedOids(catalog.tables, settings) : [];
      const log = asksForLog ? await logFacts(session, names, signal, oids) : undefined;
      const losses = [
        ...session.allowances.losses(catalog.server.standby),
        ...(log instanceof ConnectorError ? [`Mode log cannot be used: ${log.describe()}`] : []),
      ];
      const known = log instanceof ConnectorError ? undefined : log;
      return { catalog, source, candidates, roundTripMs, losses, log: known };
    } finally {
      await manager.release(session);
    }
  });
}

/** Names of slot and publication; undefined where no slot is named. */
export function logNames(settings: Settings, ownWarehouse: boolean): LogNames | undefined {
  if (!ownWarehouse && settings.slotName === undefined) return undefined;
  return logNamesOf(settings);
}

/** What is denied takes mode log away, and nothing else. */
async function logFacts(...parameters: Parameters<typeof readLogFacts>): Promise<LogFacts | ConnectorError> {
  try {
    return await readLogFacts(...parameters);
  } catch (error) {
    if (error instanceof ConnectorError && error.code === 'permission_denied') return error;
    throw error;
  }
}

function wishesForLog({ syncMode, tableOptions }: Settings): boolean {
  return syncMode === 'log' || tableOptions.some(([, { mode }]) => mode === 'log');
}

function wantedOids(tables: readonly TableSchema[], { tableFilters }: Settings): number[] {
  const filter = compileTableFilter(tableFilters);
  return tables.filter((table) => filter.includes(table)).map(({ oid }) => oid);
}

/** Whether two readers will find work, as far as is known before there is a plan. */
function willShare(tables: readonly TableSchema[], settings: Settings): boolean {
  const filter = compileTableFilter(settings.tableFilters);
  const shared = tables
    .filter((table) => filter.includes(table))
    .map((table) => ({ table, parameters: parametersFor(table.estimatedRows, table.columns.length, settings) }))
    .filter(({ parameters }) => parameters.threads > 1);
  const bytes = partitionBytes(settings.batchBytes);
  return (
    shared.length > 1 ||
    shared.some(({ table, parameters }) => isPartitioned(table, { rows: parameters.partitionRows, bytes }))
  );
}

async function withRetries<T>(
  settings: Settings,
  logger: Logger,
  signal: AbortSignal,
  action: () => Promise<T>,
): Promise<T> {
  const attempts = Math.max(1, settings.maxRetries);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (thrown) {
      const error = asConnectorError(thrown);
      if (!error.retryable || attempt >= attempts || signal.aborted) throw error;
      const delay = retryDelaySeconds(attempt - 1, settings.retrySleepSeconds);
      logger.warning(
        `Schema discovery failed, attempt ${attempt}/${attempts}: ${error.describe()} Trying again in ${delay.toFixed(2)}s`,
      );
      await sleep(delay, signal);
    }
  }
}
