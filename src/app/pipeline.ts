/**
 * The steps that a sync shares with commands that write nothing: connect, read the catalog, plan, decide each table's
 * pass. A sync and a comparison read the catalog while their warehouse opens, and take the later steps from here.
 */
import type { ConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import type { Settings } from '../config/settings';
import type { TableState } from '../model/sync-state';
import type { ConnectionManager } from '../postgres/connection';
import { createRuns, type TableRun } from '../engine/plan';
import { loadTransformationModule, type TransformationModule } from '../engine/rules';
import { planOf, type Discovery, type PlanContext } from './discovery';
import { readCatalog, type CatalogReader } from './read-catalog';
import { runsOptions, type RunsWishes } from './runs-options';
import { openSource } from './source-connection';

export interface DecidedRuns {
  readonly runs: readonly TableRun[];
  /** By table: why it cannot be read, or not be written under its name. */
  readonly leftOut: ReadonlyMap<string, ConnectorError>;
}

/** Lends connections to the source for the time of an action. */
export async function withSource<T>(
  settings: Settings,
  logger: Logger,
  maxConnections: number,
  action: (manager: ConnectionManager) => Promise<T>,
): Promise<T> {
  const manager = openSource(settings, logger, maxConnections);
  try {
    return await action(manager);
  } finally {
    await manager.close();
  }
}

export async function userModule({ transformations }: Settings): Promise<TransformationModule> {
  return transformations === undefined ? {} : await loadTransformationModule(transformations);
}

/** Reads the catalog and plans, without reading a row. */
export async function discoverAndPlan(reader: CatalogReader, context: PlanContext = {}): Promise<Discovery> {
  const module = await userModule(reader.settings);
  return planOf(await readCatalog(reader), reader.settings, module, reader.logger, context);
}

/** Decides what each table's pass would be, with what is known of it from earlier syncs. */
export function decideRuns(
  discovery: Discovery,
  states: ReadonlyMap<string, TableState>,
  { settings, logger }: Pick<CatalogReader, 'settings' | 'logger'>,
  wishes: RunsWishes = {},
): DecidedRuns {
  const { runs, refused } = createRuns(discovery.plan, states, runsOptions(settings, discovery, wishes, logger));
  return { runs, leftOut: new Map([...discovery.unreadable, ...refused]) };
}
