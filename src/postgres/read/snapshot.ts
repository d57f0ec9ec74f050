/**
 * The one moment at which a table is read.
 *
 * A session begins a REPEATABLE READ transaction and exports its snapshot; other sessions import it and see the same
 * rows. The exporter's transaction must stay open as long as others may still join. Those that have joined keep the
 * snapshot for themselves.
 */
import { ConnectorError } from '../../common/errors';
import type { Relation } from '../../model/table';
import { partsOf, sourceIdentitySql } from '../catalog';
import { type Session, quoteLiteral, quoteRows } from '../connection';

export interface SnapshotInfo {
  /** Name for SET TRANSACTION SNAPSHOT; null where the role may not export one, so that no session can join. */
  readonly id: string | null;
  /**
   * pg_snapshot_xmin as a 64-bit transaction id, in decimal: every transaction before it had ended when
   * the snapshot was taken.
   */
  readonly xmin: string;
  /** Whose transaction ids these are; see source-identity. */
  readonly source: string;
  /** The states of the relations that were locked with it, by oid; see `statesUnder`. */
  readonly states: ReadonlyMap<number, RelationState>;
  /** Digest of the table's columns, for `checkLayout`. */
  readonly layout: unknown;
}

/** The facts that must not change while a table is read by ranges, as of a snapshot. */
export interface RelationState {
  /** pg_relation_filenode, or a digest of those of all parts. Another one means that rows may have moved. */
  readonly fileNode: string;
  /** Blocks of the largest part, where the relation includes its children. */
  readonly blocks: number;
  /**
   * Rows that were ever deleted, by the server's statistics: late, and not exact. undefined: the server does not say, or
   * the relation includes its children.
   */
  readonly deletes?: string;
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

/** TRUNCATE comes between a snapshot and the lock only if something waited for it, or if it is very quick. */
const MOST_SNAPSHOTS = 5;

/**
 * Takes a snapshot under which the relations can be read, and keeps their locks (ACCESS SHARE) until its transaction
 * ends.
 *
 * TRUNCATE and other commands that give a relation a new file show through older snapshots: an older snapshot finds the
 * new file empty, and the rows that came with it in one transaction invisible. The sizes by which ranges are planned
 * would be wrong, too. So where a relation has another file than the snapshot's own catalog says, another snapshot is
 * taken. The lock is then held, so no such command can come between any more.
 *
 * All of it takes two round trips. `layoutSql` is an expression that the caller asks in the second.
 */
export async function beginAndExport(
  session: Session,
  relations: readonly Relation[],
  signal: AbortSignal | undefined,
  layoutSql = 'NULL::text',
): Promise<SnapshotInfo> {
  const context = { doing: 'taking a snapshot', signal };
  const { sharesSnapshots, seesFiles } = session.allowances;
  const name = sharesSnapshots ? 'pg_catalog.pg_export_snapshot()' : 'NULL::text';
  for (let attempt = 1; attempt <= MOST_SNAPSHOTS; attempt += 1) {
    await session.query(BEGIN, context);
    const [row] = await session.query(
      `SELECT ${name} AS id, ${SNAPSHOT_XMIN} AS xmin, ${sourceIdentitySql(session)} AS source, ` +
        `${lockAndCompare(relations, seesFiles)} AS replaced, ${statesSql(relations, session)} AS states, ` +
        `${layoutSql} AS layout; ${SAVEPOINT}`,
      context,
    );
    if (row !== undefined && Number(row['replaced']) === 0) {
      const { id, xmin, source, states, layout } = row;
      return {
        id: typeof id === 'string' ? id : null,
        xmin: String(xmin),
        source: String(source),
        states: statesFrom(states),
        layout,
      };
    }
    await endTransaction(session);
  }
  throw new ConnectorError('The table was rewritten or truncated again and again while a snapshot was taken.', {
    code: 'table_rewritten',
    kind: 'source',
    retryable: true,
  });
}

/**
 * Locks the relations under the session's snapshot (ACCESS SHARE). False: one of them has another file than the snapshot's
 * own catalog says, so that its rows cannot be read as of the snapshot.
 */
export async function lockUnderSnapshot(
  session: Session,
  relations: readonly Relation[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const [row] = await session.query(`SELECT ${lockAndCompare(relations, session.allowances.seesFiles)} AS replaced`, {
    doing: 'locking a table for reading',
    signal,
  });
  return Number(row?.['replaced']) === 0;
}

/**
 * SQL that locks the relations and counts those whose file is not the one that the snapshot shows. Locks are taken
 * while a statement is analyzed, so they are held when it counts.
 */
function lockAndCompare(relations: readonly Relation[], seesFiles: boolean): string {
  if (relations.length === 0) return '0';
  if (!seesFiles) return `CASE WHEN ${locksOf(relations)} IS NOT NULL THEN 0 END`;
  const replaced = relations.map(({ oid, includesChildren }) => {
    const parts = includesChildren === true ? `(WITH RECURSIVE ${partsOf(oid)} SELECT p.oid FROM part p)` : `(${oid})`;
    return (
      `(SELECT count(*) FROM pg_catalog.pg_class c WHERE c.oid IN ${parts} AND c.relfilenode <> 0 ` +
      `AND c.relfilenode <> pg_catalog.pg_relation_filenode(c.oid))::int4`
    );
  });
  return `CASE WHEN ${locksOf(relations)} IS NOT NULL THEN ${replaced.join(' + ')} END`;
}

/** An expression that locks the relations. (A LOCK statement would need SELECT on the whole table, not just on its columns.) */
function locksOf(relations: readonly Relation[]): string {
  const locks = relations.map((relation) => {
    // If the planner saw that the condition is false, it would leave partitions out, and not lock them.
    const never = relation.includesChildren === true ? 'pg_catalog.pg_backend_pid() < 0' : 'false';
    return `(SELECT 1 FROM ${quoteRows(relation)} WHERE ${never})`;
  });
  return `ARRAY[${locks.join(', ')}]::int4[]`;
}

/** txid_* returns the same number as pg_snapshot_*, and exists before PostgreSQL 13. */
export const SNAPSHOT_XMIN = 'pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot())::text';

/** A reader that joins should get the lock at once, because the one that took the snapshot has it. */
const JOIN_LOCK_TIMEOUT_MS = 200;

/**
 * Joins a snapshot. Returns false, with nothing to read, where a session waits for a strong lock on one of the
 * relations. A new reader would wait behind it, it waits for the readers, and nothing would go on.
 */
export async function beginAndImport(
  session: Session,
  snapshot: SnapshotInfo,
  relations: readonly Relation[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (snapshot.id === null) return false;
  const context = { doing: 'joining a snapshot', signal };
  const locks =
    relations.length === 0
      ? []
      : [
          `SET LOCAL lock_timeout = ${JOIN_LOCK_TIMEOUT_MS}`,
          `SELECT ${locksOf(relations)} IS NOT NULL AS locked`,
          `SET LOCAL lock_timeout = ${session.lockTimeoutMs}`,
        ];
  const statements = [BEGIN, `SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshot.id)}`, ...locks, SAVEPOINT];
  try {
    // One round trip.
    await session.query(statements.join('; '), context);
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.sqlState !== '55P03') throw error;
    // The session is given back at once, so it must not stay in a failed transaction.
    await session.query('ROLLBACK', context);
    return false;
  }
  return true;
}

export async function endTransaction(session: Session): Promise<void> {
  await session.query('COMMIT', { doing: 'ending a transaction' });
}

/** `relationStates` under the snapshot, which has most of them already. */
export async function statesUnder(
  session: Session,
  snapshot: SnapshotInfo,
  relations: readonly Relation[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<number, RelationState>> {
  if (relations.every(({ oid }) => snapshot.states.has(oid))) return snapshot.states;
  return await relationStates(session, relations, signal);
}

/**
 * File node and size of each relation, at or after the session's snapshot; a dropped one is missing from the result.
 * Without sizes (0), it does not wait for a table that somebody has locked.
 */
export async function relationStates(
  session: Session,
  relations: readonly Relation[],
  signal: AbortSignal | undefined,
  sizes = true,
): Promise<ReadonlyMap<number, RelationState>> {
  // A partitioned table may have no partitions yet.
  if (relations.length === 0) return new Map();
  const sql = `SELECT ${statesSql(relations, session, sizes)} AS states`;
  const [row] = await session.query(sql, { doing: 'reading table sizes', signal });
  return statesFrom(row?.['states']);
}

interface StateRow {
  readonly oid: number;
  readonly fileNode: string | null;
  readonly blocks: number | null;
  readonly deletes: string | null;
}

function statesFrom(json: unknown): ReadonlyMap<number, RelationState> {
  const rows = JSON.parse(String(json)) as readonly StateRow[];
  return new Map(
    rows.map(({ oid, fileNode, blocks, deletes }) => [
      oid,
      { fileNode: String(fileNode), blocks: blocks ?? 0, ...(deletes === null ? {} : { deletes }) },
    ]),
  );
}

/** SQL for the relations' states as a JSON text. */
function statesSql(relations: readonly Relation[], { allowances }: Session, sizes = true): string {
  const { seesFiles, seesDeletes } = allowances;
  const ofFile = `pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int8`;
  const blocks = !sizes ? '0' : seesFiles ? ofFile : 'c.relpages';
  const fileNode = seesFiles ? 'pg_catalog.pg_relation_filenode(c.oid)' : 'c.relfilenode';
  // Before PostgreSQL 15, statistics are read from a file that may have to be written first.
  const deletes = seesDeletes
    ? `CASE WHEN pg_catalog.current_setting('server_version_num')::int4 >= 150000 THEN pg_catalog.pg_stat_get_tuples_deleted(c.oid)::text END`
    : 'NULL::text';
  const alone = relations.filter(({ includesChildren }) => includesChildren !== true).map(({ oid }) => oid);
  const queries = relations
    .filter(({ includesChildren }) => includesChildren === true)
    .map(
      ({ oid }) =>
        // Any part that comes, goes or is rewritten below the root makes it another relation.
        `(WITH RECURSIVE ${partsOf(oid)} SELECT ${oid}::int8 AS "oid",
            pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(' ', c.oid::int8, ${fileNode}), ',' ORDER BY c.oid)) AS "fileNode",
            pg_catalog.max(${blocks})::int8 AS "blocks", NULL::text AS "deletes"
          FROM part p JOIN pg_catalog.pg_class c ON c.oid = p.oid HAVING pg_catalog.bool_or(c.oid = ${oid}))`,
    );
  if (alone.length > 0)
    queries.push(
      `SELECT c.oid::int8 AS "oid", (${fileNode})::text AS "fileNode", (${blocks})::int8 AS "blocks", ${deletes} AS "deletes"
       FROM pg_catalog.pg_class c WHERE c.oid IN (${alone.join(', ')})`,
    );
  if (queries.length === 0) return `'[]'`;
  return `(SELECT coalesce(pg_catalog.json_agg(x), '[]')::text FROM (${queries.join(' UNION ALL ')}) AS x)`;
}
