/** Turns settings into the options that decide each table's pass: the same for a sync, its plan and its check. */
import type { Logger } from '../common/logger';
import type { Settings } from '../config/settings';
import { compileTableFilter } from '../config/table-filter';
import type { SourceSelection } from '../model/source-selection';
import type { TableSchema } from '../model/table';
import type { RunsOptions } from '../engine/plan';
import { BUILT_IN_TRANSFORMATIONS } from '../engine/rules';
import type { Discovery } from './discovery';

/** Wishes of the caller, beyond the settings. */
export interface RunsWishes {
  /** Compare the keys of every table that is not read whole. */
  readonly reconcile?: boolean | undefined;
  /** Look for deleted rows and nothing else. */
  readonly keysOnly?: boolean | undefined;
  /** The part of the source that is wanted, beyond the settings' filters. */
  readonly selection?: SourceSelection | undefined;
  /** See `Destination.comparesKeys`. */
  readonly comparesKeys?: boolean | undefined;
}

export function runsOptions(
  settings: Settings,
  { module, source }: Pick<Discovery, 'module' | 'source'>,
  wishes: RunsWishes,
  logger: Logger,
): RunsOptions {
  return {
    naming: settings.naming,
    destinationTable: settings.destinationTable,
    rules: [...BUILT_IN_TRANSFORMATIONS, ...(module.transformations ?? [])],
    region: settings.region,
    destinationSchema: settings.destinationSchema,
    source,
    fullResync: resyncFilter(settings.fullResync),
    keysOnly: wishes.keysOnly === true,
    reconcile: wishes.reconcile === true,
    reconcileEvery: settings.reconcileEvery,
    schemaDrift: settings.schemaDrift,
    selection: wishes.selection,
    comparesKeys: wishes.comparesKeys !== false,
    logger,
  };
}

function resyncFilter(patterns: readonly string[]): (table: TableSchema) => boolean {
  if (patterns.length === 0) return () => false;
  const filter = compileTableFilter(patterns);
  return (table) => filter.includes(table);
}
