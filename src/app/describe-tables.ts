/** What a sync would send, without reading a row: tables as a destination will know them. */
import type { Settings } from '../config/settings';
import type { DestinationTable } from '../destinations/destination';
import type { TableName } from '../model/source-selection';
import { describeTables, createRuns } from '../engine/plan';
import { loadTransformationModule } from '../engine/rules';
import { discoverAndPlan } from './discovery';
import { runsOptions } from './runs-options';
import { openSource } from './source-connection';
import type { RunContext } from './sync-run';

export interface DescribedTable {
  /** undefined for the two tables that describe the source. */
  readonly source: TableName | undefined;
  readonly table: DestinationTable;
}

export interface DescribedSource {
  readonly tables: readonly DescribedTable[];
  /** `schema.table` of everything in the source, wanted and readable or not. */
  readonly existing: ReadonlySet<string>;
}

export async function describeDestination(
  settings: Settings,
  { logger, signal }: Pick<RunContext, 'logger' | 'signal'>,
): Promise<DescribedSource> {
  const manager = openSource(settings, logger, 1);
  try {
    const module =
      settings.transformations === undefined ? {} : await loadTransformationModule(settings.transformations);
    const { plan, unreadable, source, existing } = await discoverAndPlan(manager, settings, module, logger, signal);
    const { runs, refused } = createRuns(
      plan,
      new Map(),
      runsOptions(settings, { module, source, comparesKeys: false, logger }),
    );
    for (const [key, error] of [...unreadable, ...refused])
      logger.warning(`Table ${key} is left out: ${error.describe()}`);
    const tables = [
      ...runs.map((run) => ({ source: run.planned.table, table: run.destinationTable })),
      ...describeTables([], new Date()).map(({ table }) => ({ source: undefined, table })),
    ];
    return { tables, existing };
  } finally {
    await manager.close();
  }
}
