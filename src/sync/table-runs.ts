/** From plan to runs: names in the destination, rules applied, earlier state found, conflicts named. */
import { createHash } from 'node:crypto';
import { asConnectorError, ConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import { destinationColumnNames, destinationTableName, folded, type Naming } from '../destination/naming';
import type { PlannedTable, SyncPlan } from '../model/plan';
import type { TableState } from '../model/sync-state';
import { tableKey } from '../model/table';
import { METADATA_TABLE_NAMES } from './metadata-tables';
import { TableRun } from './table-run';
import { applyTransformations, type Transformation } from './transformations';

export interface RunsOptions {
  readonly naming: Naming;
  readonly rules: readonly Transformation[];
  readonly region: string | undefined;
  readonly logger: Logger;
}

export interface TableRuns {
  readonly runs: readonly TableRun[];
  /** Tables that cannot be synced, by key. */
  readonly refused: ReadonlyMap<string, ConnectorError>;
}

export function createRuns(plan: SyncPlan, states: ReadonlyMap<string, TableState>, options: RunsOptions): TableRuns {
  const owners = new Map<string, string>(METADATA_TABLE_NAMES.map((name) => [folded(name), '']));
  for (const [key, state] of states) owners.set(folded(state.destinationTable), key);
  const runs: TableRun[] = [];
  const refused = new Map<string, ConnectorError>();
  for (const [index, planned] of plan.tables.entries()) {
    const key = tableKey(planned.table);
    try {
      const run = createRun(planned, index + 1, states.get(key) ?? null, options);
      const name = folded(run.destinationTable.name);
      const owner = owners.get(name) ?? key;
      if (owner !== key) throw nameTaken(key, run.destinationTable.name, owner);
      owners.set(name, key);
      runs.push(run);
    } catch (error) {
      refused.set(key, asConnectorError(error));
    }
  }
  return { runs, refused };
}

function createRun(
  planned: PlannedTable,
  position: number,
  committed: TableState | null,
  options: RunsOptions,
): TableRun {
  const { table } = planned;
  const selection = applyTransformations(table, options.rules, options.region);
  const names = destinationColumnNames(
    selection.columns.map((column) => column.name),
    options.naming,
  );
  const nameOf = new Map(selection.columns.map((column, index) => [column.name, names[index] ?? column.name]));
  for (const [source, name] of nameOf) {
    if (options.naming === 'source' && source !== name) {
      options.logger.warning(
        `Column ${source} of ${tableKey(table)} is called ${name} in the warehouse: the name is taken there.`,
      );
    }
  }
  const primaryKey = table.primaryKey.map((column) => nameOf.get(column) ?? column);
  const previousKey = committed?.lastSyncedAt == null ? null : committed.primaryKey;
  const sameKey = previousKey === null || previousKey.join('\0') === primaryKey.join('\0');
  if (!sameKey) {
    options.logger.warning(
      `The primary key of ${tableKey(table)} has changed; the table is synced anew, and rows marked deleted under the old key are dropped.`,
    );
  }
  const destinationTable = {
    key: tableKey(table),
    name: destinationTableName(table, options.naming),
    columns: selection.columns.map((column, index) => ({ name: names[index] ?? column.name, type: column.type })),
    primaryKey,
    keysMayRepeat: selection.keysMayChange,
    keepDeletedRows: sameKey,
  };
  const signature = createHash('sha256')
    .update(JSON.stringify([table.oid, destinationTable, selection.columns, selection.conditions]))
    .digest('hex')
    .slice(0, 16);
  return new TableRun(planned, position, selection, destinationTable, committed, signature);
}

function nameTaken(key: string, name: string, owner: string): ConnectorError {
  const holder = owner === '' ? 'a table of the connector itself' : owner;
  return new ConnectorError(`${key} would be called ${name} in the warehouse, which is the name of ${holder}.`, {
    code: 'name_collision',
    kind: 'source',
    hint: 'Leave one of them out with "table_filters", or sync it into another "destination_schema".',
  });
}
