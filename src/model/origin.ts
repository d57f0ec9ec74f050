/**
 * Tells whether a schema of the warehouse is filled by this database, by the same one after a move, or by another.
 *
 * A cluster keeps its system identifier from initdb on: a standby, its promotion and a restored backup of its files
 * have it too. pg_upgrade and a restored dump give another one. Within a cluster a database keeps its oid until it is
 * dropped. So where both are the same it is the same database, whatever its name and address are. Otherwise name and
 * address decide, because an upgrade or a restore in the same place leaves those as they are.
 */
import { ConnectorError } from '../common/errors';

export interface Origin {
  /** See postgres/catalog/source-identity. */
  readonly source: string;
  readonly database: string;
  /** As configured: host and port, or the name of a data source. */
  readonly server: string;
}

export function isAnotherDatabase(before: Origin, now: Origin): boolean {
  const [wasCluster, , wasOid] = before.source.split('/');
  const [isCluster, , isOid] = now.source.split('/');
  const sameName = before.database === now.database;
  if (wasCluster === isCluster && isCluster !== '?') return wasOid === isOid && isOid !== '?' ? false : !sameName;
  return !sameName || before.server !== now.server;
}

/** `schema` is that of the warehouse. */
export function anotherDatabase(before: Origin, now: Origin, schema: string): ConnectorError {
  const named = ({ database, server }: Origin): string => `database ${database} at ${server}`;
  return new ConnectorError(
    `Schema ${schema} of the warehouse holds the tables of ${named(before)}, and this is ${named(now)}.`,
    {
      code: 'another_database',
      kind: 'configuration',
      hint: `Give each database a "destination_schema" or a "warehouse_path" of its own; where one has moved or takes the other's place, run \`pgsluice sync --full-resync '*'\` once.`,
    },
  );
}
