/**
 * The least memory limit that DuckDB needs for uncommitted rows, and for knowing which rows were deleted. It cannot spill
 * these, and fails where the limit is less. The limit only grows, and only as far as the tables ask for.
 */
import type { PackedBatch } from '../../model/packed-batch';
import { folded } from '../naming';
import type { LoadTable } from './load/load-table';
import { literal } from './types';
import { ROW_GROUP_ROWS, type Warehouse } from './warehouse';

/**
 * Measured: a table of one row takes 34 kB a column until it is committed, a table being filled up to 700 kB a
 * column (500 columns need 400 MB).
 */
const BYTES_PER_OPEN_COLUMN = 768 * 1024;
const BYTES_PER_UNCOMMITTED_COLUMN = 40 * 1024;
const OTHER_BYTES = 16_000_000;
/**
 * The rows of a row group stay in memory until it is full, and are written then. What exceeds DuckDB's limit goes
 * through temporary files, one for each block of texts, which takes longer than anything else. Measured: with room for
 * the texts of a row group, 125,000 rows of 8 kB took 9 s of CPU time instead of 11. Rows of 32 kB would need 1.2 GB.
 */
const MEMORY_PER_BYTE_OF_ROW_GROUP = 1.2;
const MOST_BYTES_OF_ROW_GROUP = 320_000_000;
const BYTES_OF_LARGER_ROW_GROUP = 64_000_000;
/**
 * Small tables keep memory after their commit until DuckDB makes a checkpoint. It decides that by the size of its log,
 * and thousands of small tables hardly fill it. Measured: with 301 MB for all, a sync of tables of 4 columns failed at
 * the 2,552nd, so 30 kB a column. Before this estimate exceeds the limit, a checkpoint is requested.
 */
const BYTES_PER_BEGUN_COLUMN = 80 * 1024;
const MOST_BYTES_OF_BEGUN_COLUMNS = 192_000_000;
/**
 * DuckDB compresses a column one vector of 2,048 values at a time, with all of them in memory. Measured with values of
 * 100 kB: a commit fails with 1.2 times a vector, works with 1.5 times through temporary files, and needs fewer of them
 * with 2.5 times. The rest is room for the copies of a single long value.
 */
const VECTORS_IN_MEMORY = 4;
/**
 * DuckDB holds 16 kB for each 2,048 rows of which one was deleted, in a block of 256 kB for each row group. An update
 * deletes the old version. It holds them from when it first looks at them until the file is closed. Measured: 10,000,000
 * rows with changes all over take 90 MB.
 */
const BYTES_PER_STORED_ROW = 9;
/**
 * To update a row takes a block in its row group. Without room for these, 100 rows all over 10,000,000 took 60 MB and
 * 0.3 s of CPU time more (measured). It seems that DuckDB then makes a checkpoint at the commit and another one at the
 * end, as it does where it is short of memory.
 */
const BYTES_PER_UPDATED_ROW = 320 * 1024;
const UNUSED_PER_STORED_BYTE = 0.5;
/** Setting a new limit is a statement of its own. */
const STEP_BYTES = 1_000_000;

export class MemoryRoom {
  /** Columns of the tables begun in this transaction. */
  private uncommittedColumns = 0;
  private openColumns = 0;
  /** Columns of all tables since the last checkpoint that was requested. */
  private begunColumns = 0;
  /** Bytes of the widest rows of any table so far. */
  private vectorBytes = 0;
  private rowBytes = 0;
  private updatedBytes = 0;
  private comparing = false;
  /** By the table's folded name, of those that were looked at. */
  private readonly seenRows = new Map<string, number>();

  /**
   * `comparisonBytes` is what comparing the rows of two tables may take before it uses temporary files. `storedRows` are
   * those of the tables that there were at first.
   */
  constructor(
    private readonly warehouse: Warehouse,
    private readonly comparisonBytes: number,
    private readonly storedRows: ReadonlyMap<string, number>,
  ) {}

  transactionBegun(): void {
    this.uncommittedColumns = 0;
  }

  /** Asked after a commit: a checkpoint frees the memory of the committed tables. */
  get checkpointDue(): boolean {
    return (
      this.warehouse.storage.makesCheckpoints &&
      this.begunColumns * BYTES_PER_BEGUN_COLUMN >= MOST_BYTES_OF_BEGUN_COLUMNS
    );
  }

  checkpointed(): void {
    this.begunColumns = 0;
  }

  /** Must be called before `columns` more are written to, beside `open` that are already. */
  async forTable(columns: number, open: number): Promise<void> {
    this.uncommittedColumns += columns;
    this.begunColumns += columns;
    this.openColumns = open + columns;
    await this.allow();
  }

  async forRows(load: LoadTable, batch: PackedBatch): Promise<void> {
    if (batch.rowCount === 0) return;
    this.vectorBytes = Math.max(this.vectorBytes, load.recent.add(batch.rowCount, batch.bytes));
    this.rowBytes = Math.max(this.rowBytes, batch.bytes / batch.rowCount);
    await this.allow();
  }

  /** Must be called before the rows of these tables of our schema are looked at or changed. */
  async forStored(tables: readonly string[]): Promise<void> {
    if (!this.warehouse.storage.makesCheckpoints) return;
    for (const name of tables) {
      const rows = this.storedRows.get(folded(name)) ?? (await rowsStoredIn(this.warehouse, name));
      this.seenRows.set(folded(name), rows);
    }
    await this.allow();
  }

  /** Must be called before some rows of a table, which was looked at, are updated wherever they are. */
  async forUpdates(table: string, rows: number): Promise<void> {
    const stored = (this.seenRows.get(folded(table)) ?? 0) * BYTES_PER_STORED_ROW;
    const needed = Math.min(rows * BYTES_PER_UPDATED_ROW, stored) + stored * UNUSED_PER_STORED_BYTE;
    this.updatedBytes = Math.max(this.updatedBytes, needed);
    await this.allow();
  }

  /** Must be called before rows of one table are looked up in another. */
  async forComparison(): Promise<void> {
    if (this.comparing) return;
    this.comparing = true;
    await this.allow();
  }

  private async allow(): Promise<void> {
    const rowGroupBytes = this.rowBytes * ROW_GROUP_ROWS * MEMORY_PER_BYTE_OF_ROW_GROUP;
    const stored = [...this.seenRows.values()].reduce((sum, rows) => sum + rows * BYTES_PER_STORED_ROW, 0);
    const needed =
      OTHER_BYTES +
      Math.min(this.begunColumns * BYTES_PER_BEGUN_COLUMN, MOST_BYTES_OF_BEGUN_COLUMNS) +
      this.openColumns * BYTES_PER_OPEN_COLUMN +
      this.uncommittedColumns * BYTES_PER_UNCOMMITTED_COLUMN +
      this.vectorBytes * VECTORS_IN_MEMORY +
      (rowGroupBytes > MOST_BYTES_OF_ROW_GROUP ? BYTES_OF_LARGER_ROW_GROUP : rowGroupBytes);
    const stepped = Math.ceil(needed / STEP_BYTES) * STEP_BYTES;
    await this.warehouse.allowMemory(
      stored + this.updatedBytes + Math.max(stepped, this.comparing ? this.comparisonBytes : 0),
    );
  }
}

/** Room for reading any table, beside the `bytes` that a statement needs. */
export async function allowReading(warehouse: Warehouse, bytes: number): Promise<void> {
  await warehouse.allowMemory(bytes + (await rowsStoredIn(warehouse)) * BYTES_PER_STORED_ROW);
}

/** Rows of a table, or of all, as DuckDB counts them without looking at any. */
async function rowsStoredIn(warehouse: Warehouse, table?: string): Promise<number> {
  const one = table === undefined ? '' : ` AND table_name = ${literal(table)}`;
  const [row] = await warehouse.rows(
    `SELECT coalesce(sum(estimated_size), 0)::DOUBLE FROM duckdb_tables() WHERE database_name = current_database()${one}`,
  );
  return Number(row?.[0]);
}
