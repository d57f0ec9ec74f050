/** What mode log is about in a configuration: its tables, its names, and what the server says of them. */
import { logNamesOf } from '../../config/slot-name';
import { tableOptions, type TableMode } from '../../config/table-options';
import { tableKey, type TableSchema } from '../../model/table';
import { readLogFacts, type LogFacts, type LogNames } from '../../postgres/log';
import { discoverAndPlan } from '../pipeline';
import type { CatalogReader } from '../read-catalog';

export interface LogSource {
  readonly names: LogNames;
  readonly facts: LogFacts;
  /** Tables that the configuration would have in mode log. */
  readonly tables: readonly TableSchema[];
  /** Tables that it has in another mode, by key. */
  readonly otherwise: ReadonlyMap<string, TableMode>;
}

export async function readLogSource(reader: CatalogReader): Promise<LogSource> {
  const { manager, settings, signal } = reader;
  const { plan } = await discoverAndPlan(reader, { tellsOfPolicies: true, tellsOfLog: true });
  const optionsOf = tableOptions(settings.tableOptions);
  const tables: TableSchema[] = [];
  const otherwise = new Map<string, TableMode>();
  const sorted = [...plan.tables].sort((a, b) => (tableKey(a.table) < tableKey(b.table) ? -1 : 1));
  for (const { table } of sorted) {
    const { mode, replicationKey } = optionsOf(table);
    const wanted = mode ?? (replicationKey === undefined ? settings.syncMode : 'timestamp');
    if (wanted === 'log' || wanted === 'auto') tables.push(table);
    else otherwise.set(tableKey(table), wanted);
  }
  const names = logNamesOf(settings);
  const session = await manager.lease(signal);
  try {
    const oids = tables.map(({ oid }) => oid);
    return { names, facts: await readLogFacts(session, names, signal, oids), tables, otherwise };
  } finally {
    await manager.release(session);
  }
}
