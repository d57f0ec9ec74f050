/** Describes what a sync would send, without reading a row: tables as a destination will know them. */
import type { Settings } from '../config/settings';
import type { DestinationTable } from '../destinations/destination';
import type { TableName } from '../model/source-selection';
import { describeTables } from '../engine/plan';
import { decideRuns, discoverAndPlan, withSource } from './pipeline';
import type { CatalogReader } from './read-catalog';

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
  { logger, signal }: Pick<CatalogReader, 'logger' | 'signal'>,
): Promise<DescribedSource> {
  return await withSource(settings, logger, 1, async (manager) => {
    const reader = { manager, settings, logger, signal };
    const discovery = await discoverAndPlan(reader, { comparesKeys: false });
    const { runs, leftOut } = decideRuns(discovery, new Map(), reader, { comparesKeys: false });
    for (const [key, error] of leftOut) logger.warning(`Table ${key} is left out: ${error.describe()}`);
    const tables = [
      ...runs.map((run) => ({ source: run.planned.table, table: run.destinationTable })),
      ...describeTables([], new Date()).map(({ table }) => ({ source: undefined, table })),
    ];
    return { tables, existing: discovery.existing };
  });
}
