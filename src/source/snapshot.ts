/**
 * The one moment at which a table is read.
 *
 * A session begins a REPEATABLE READ transaction and exports its snapshot; other sessions import it and
 * see the same rows. The exporter's transaction must stay open as long as others may still join; those
 * that have joined keep the snapshot for themselves.
 */
import type { Relation } from '../model/table';
import type { Session } from './session';
import { quoteLiteral } from './sql';

export interface SnapshotInfo {
  /** Name for SET TRANSACTION SNAPSHOT. */
  readonly id: string;
  /**
   * pg_snapshot_xmin as a 64-bit transaction id, in decimal: every transaction before it had ended when
   * the snapshot was taken.
   */
  readonly xmin: string;
}

/** What must not change while a table is read by ranges, as of a snapshot. */
export interface RelationState {
  /** pg_relation_filenode: another one means that the table was rewritten and rows moved. */
  readonly fileNode: string;
  readonly blocks: number;
}

const BEGIN = 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY';

/**
 * A failed statement would end the transaction and with it the snapshot. Nothing is ever written here, so
 * going back to one savepoint, set at the start, undoes nothing but the failure.
 */
const SAVEPOINT = 'SAVEPOINT pgsluice';

export async function recover(session: Session, signal: AbortSignal | undefined): Promise<void> {
  await session.query('ROLLBACK TO SAVEPOINT pgsluice', { doing: 'keeping the snapshot after an error', signal });
}

export async function beginAndExport(session: Session, signal: AbortSignal | undefined): Promise<SnapshotInfo> {
  const context = { doing: 'taking a snapshot', signal };
  await session.query(BEGIN, context);
  const [row] = await session.query(`SELECT pg_catalog.pg_export_snapshot() AS id, ${SNAPSHOT_XMIN} AS xmin`, context);
  await session.query(SAVEPOINT, context);
  return { id: String(row?.['id']), xmin: String(row?.['xmin']) };
}

/** txid_* rather than pg_snapshot_*: the same number, and there before PostgreSQL 13. */
export const SNAPSHOT_XMIN = 'pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot())::text';

export async function beginAndImport(
  session: Session,
  snapshot: SnapshotInfo,
  signal: AbortSignal | undefined,
): Promise<void> {
  const context = { doing: 'joining a snapshot', signal };
  await session.query(BEGIN, context);
  await session.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshot.id)}`, context);
  await session.query(SAVEPOINT, context);
}

export async function endTransaction(session: Session): Promise<void> {
  await session.query('COMMIT', { doing: 'ending a transaction' });
}

/** File node and size of each relation, at or after the session's snapshot; a dropped one is missing from the result. */
export async function relationStates(
  session: Session,
  relations: readonly Relation[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<number, RelationState>> {
  // A partitioned table may have no partitions yet.
  if (relations.length === 0) return new Map();
  const rows = await session.query(
    `SELECT c.oid::int8::text AS oid, pg_catalog.pg_relation_filenode(c.oid)::text AS file_node,
            (pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int8)::text AS blocks
     FROM pg_catalog.pg_class c WHERE c.oid IN (${relations.map((relation) => relation.oid).join(', ')})`,
    { doing: 'reading table sizes', signal },
  );
  const states = rows.map((row): [number, RelationState] => [
    Number(row['oid']),
    { fileNode: String(row['file_node']), blocks: Number(row['blocks'] ?? 0) },
  ]);
  return new Map(states);
}
