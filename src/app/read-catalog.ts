/** Reads the server's facts and tables, alone or while a warehouse opens. */
import { asConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import { retryDelaySeconds, sleep } from '../common/retry';
import type { Settings } from '../config/settings';
import { compileTableFilter } from '../config/table-filter';
import type { TableSchema } from '../model/table';
import { discover, type Catalog, type KeyCandidate } from '../postgres/catalog';
import type { ConnectionManager } from '../postgres/connection';
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
}

export interface CatalogReader {
  readonly manager: ConnectionManager;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly signal: AbortSignal;
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
  { manager, settings, logger, signal, roundTripMs: given }: CatalogReader,
  rowsFollow = false,
): Promise<SourceFindings> {
  return await withRetries(settings, logger, signal, async () => {
    const session = await manager.lease(signal);
    try {
      const { source, candidates, ...catalog } = await discover(session, signal, settings);
      const losses = session.allowances.losses(catalog.server.standby);
      const roundTripMs = given ?? distanceFrom(session.roundTripMs);
      // While the warehouse is opened, and before the first snapshot: during a login, no statement can begin or end (the
      // odbc package has one lock for all of that). From far away it would take longer than opening.
      if (rowsFollow && !isFar(roundTripMs) && willShare(catalog.tables, settings)) manager.openAhead();
      return { catalog, source, candidates, roundTripMs, losses };
    } finally {
      await manager.release(session);
    }
  });
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
