/** Tables that were synced and are gone from the source, from the warehouse, or from both. */
import type { Logger } from '../common/logger';
import type { Destination } from '../destinations/destination';
import type { TableStates } from '../model/sync-state';

export interface SourceTables {
  /** Keys of all tables of the source. */
  readonly existing: ReadonlySet<string>;
  /** Keys of those that this sync includes. */
  readonly planned: ReadonlySet<string>;
}

/**
 * Logs what a user should know about them. A table that no longer exists anywhere is forgotten, so that it is reported
 * once.
 */
export async function tellOfAbsentTables(
  destination: Destination,
  states: TableStates,
  { existing, planned }: SourceTables,
  logger: Logger,
): Promise<void> {
  for (const key of states.keys()) {
    if (!existing.has(key))
      logger.warning(
        `${key} is no longer in the source: it was dropped, renamed or moved. Its table in the warehouse stays as it is; \`pgsluice forget ${key}\` ends this line.`,
      );
  }
  for (const [key, place] of destination.tablesGone ?? []) {
    if (!existing.has(key)) {
      await destination.forget?.(key);
      logger.info(`${key} is neither in the source nor in the warehouse any more, and is forgotten.`);
    } else if (planned.has(key)) {
      logger.warning(
        `${key} was synced, but schema ${place.schema} of the warehouse has no table ${place.name}; it is loaded from the start.`,
      );
    }
  }
}
