/** One table as of one moment, for as many passes over it as are needed, by several readers. */
import { ConnectorError } from '../../common/errors';
import { tableKey, type Relation, type TableSchema } from '../../model/table';
import { blockRange } from '../../model/tid-range';
import { quoteQualified, type ConnectionManager, type Session } from '../../postgres/connection';
import { beginAndExport, recover, ROW_ALIAS, withTransaction, type SnapshotInfo } from '../../postgres/read';
import { readInParallel } from './parallel-readers';
import { planPartitions, type Partition } from '../plan';

export interface TableSnapshotOptions {
  readonly manager: ConnectionManager;
  readonly table: TableSchema;
  /** Connections that read at once. */
  readonly readers: number;
  readonly signal: AbortSignal;
}

export class TableSnapshot {
  private constructor(
    private readonly options: TableSnapshotOptions,
    private readonly session: Session,
    private readonly snapshot: SnapshotInfo,
    private readonly blocks: ReadonlyMap<number, number>,
  ) {}

  /** Runs `action` with the snapshot; ends its transactions afterwards, also after an error. */
  static async with<T>(options: TableSnapshotOptions, action: (snapshot: TableSnapshot) => Promise<T>): Promise<T> {
    const { manager, table, signal } = options;
    return await withTransaction(manager, signal, async (session) => {
      const info = await beginAndExport(session, table.relations, signal);
      const blocks = new Map([...info.states].map(([oid, state]) => [oid, state.blocks]));
      return await action(new TableSnapshot(options, session, info, blocks));
    });
  }

  /** pg_snapshot_xmin, 64 bits in decimal. */
  get xmin(): string {
    return this.snapshot.xmin;
  }

  /** Ranges of about so many rows; a relation without readable ranges is one partition. */
  partitions(rows: (relation: Relation) => number): Partition[] {
    return this.options.table.relations.flatMap((relation) => {
      const blocks = this.blocks.get(relation.oid) ?? 0;
      if (!relation.rangeReadable) return [{ relation, range: null }];
      const size = { rows: rows(relation), bytes: Infinity };
      return blocks === 0 ? [] : planPartitions({ ...relation, blocks }, [blockRange(0, blocks)], size);
    });
  }

  /** Runs `work` once for each partition; rejects with the first error, when every reader has stopped. */
  async each(
    partitions: readonly Partition[],
    work: (session: Session, partition: Partition) => Promise<void>,
  ): Promise<void> {
    const { manager, table, readers, signal } = this.options;
    const { relations } = table;
    const shared = { manager, snapshot: this.snapshot, relations, most: readers, signal };
    await readInParallel(this.session, shared, partitions, work);
  }

  /** Asks in one statement how many rows the table has. Returns undefined where a statement may not take that long. */
  async count(conditions: readonly string[]): Promise<number | undefined> {
    const { table, signal } = this.options;
    const where =
      conditions.length === 0 ? '' : ` WHERE ${conditions.map((condition) => `(${condition})`).join(' AND ')}`;
    const sql = `SELECT count(*)::text AS n FROM ${quoteQualified(table.schema, table.name)} AS ${ROW_ALIAS}${where}`;
    try {
      const [row] = await this.session.query(sql, { doing: `counting ${tableKey(table)}`, signal });
      return Number(row?.['n']);
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.sqlState !== '57014' || signal.aborted) throw error;
      await recover(this.session, signal);
      return undefined;
    }
  }
}
