/** Tables of the warehouse get the names that `destination_table` and `naming` give them now, before anything is read. */
import { asConnectorError, type ConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import type { Settings } from '../config/settings';
import type { Destination } from '../destinations/destination';
import { destinationTableName, folded } from '../destinations/naming';
import type { SyncPlan } from '../model/plan';
import type { TableState } from '../model/sync-state';
import { tableKey } from '../model/table';
import { isOwnName } from '../model/table-template';

/**
 * Renames what is called otherwise, each table with its state in one transaction, and keeps `states` as committed. A new
 * table beside the old one would be a copy that nobody keeps up to date. Returns why tables could not be renamed, by key.
 */
export async function renameTables(
  destination: Destination,
  states: Map<string, TableState>,
  { tables }: SyncPlan,
  { settings, logger }: { readonly settings: Settings; readonly logger: Logger },
): Promise<ReadonlyMap<string, ConnectorError>> {
  const refused = new Map<string, ConnectorError>();
  const taken = new Map([...states].map(([key, state]) => [folded(state.destinationTable), key]));
  for (const { table } of tables) {
    const key = tableKey(table);
    const state = states.get(key);
    if (state === undefined || destination.renameTable === undefined) continue;
    const name = destinationTableName(table, settings.naming, settings.destinationTable);
    if (folded(name) === folded(state.destinationTable)) continue;
    // Where another table or the connector itself has the name, the plan says whose it is.
    if (taken.has(folded(name)) || isOwnName(name)) continue;
    const renamed = { ...state, destinationTable: name };
    try {
      await destination.renameTable(key, state.destinationTable, name);
      await destination.putState(key, renamed);
      await destination.commit();
    } catch (thrown) {
      const error = asConnectorError(thrown);
      if (error.kind !== 'source') throw error;
      await destination.rollback();
      refused.set(key, error);
      continue;
    }
    states.set(key, renamed);
    taken.delete(folded(state.destinationTable));
    taken.set(folded(name), key);
    logger.info(`Renamed ${state.destinationTable} to ${name} in the warehouse: the table of ${key}`);
  }
  return refused;
}
