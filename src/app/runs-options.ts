/** From settings to what decides each table's pass: the same for a sync, for its plan and for its check. */
import type { Logger } from '../common/logger';
import type { Settings } from '../config/settings';
import { compileTableFilter } from '../config/table-filter';
import type { SourceSelection } from '../model/source-selection';
import type { TableSchema } from '../model/table';
import type { RunsOptions } from '../engine/plan';
import { BUILT_IN_TRANSFORMATIONS, type TransformationModule } from '../engine/rules';

export interface RunsContext {
  readonly module: TransformationModule;
  /** Who the server is; see postgres/catalog/change-tracking. */
  readonly source: string;
  /** Compare the keys of every table that is not read whole. */
  readonly reconcile?: boolean | undefined;
  /** Look for deleted rows and nothing else. */
  readonly keysOnly?: boolean | undefined;
  /** What of the source is wanted, beyond the settings' filters. */
  readonly selection?: SourceSelection | undefined;
  /** See `Destination.comparesKeys`. */
  readonly comparesKeys?: boolean | undefined;
  readonly logger: Logger;
}

export function runsOptions(settings: Settings, context: RunsContext): RunsOptions {
  return {
    naming: settings.naming,
    rules: [...BUILT_IN_TRANSFORMATIONS, ...(context.module.transformations ?? [])],
    region: settings.region,
    destinationSchema: settings.destinationSchema,
    source: context.source,
    fullResync: resyncFilter(settings.fullResync),
    keysOnly: context.keysOnly === true,
    reconcile: context.reconcile === true,
    reconcileEvery: settings.reconcileEvery,
    schemaDrift: settings.schemaDrift,
    selection: context.selection,
    comparesKeys: context.comparesKeys !== false,
    logger: context.logger,
  };
}

function resyncFilter(patterns: readonly string[]): (table: TableSchema) => boolean {
  if (patterns.length === 0) return () => false;
  const filter = compileTableFilter(patterns);
  return (table) => filter.includes(table);
}
