/** Opens and locks the warehouse file, and runs statements in it. */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DuckDBBitValue, DuckDBConnection, DuckDBInstance, DuckDBPreparedStatement } from '@duckdb/node-api';
import { ConnectorError } from '../../common/errors';
import { makeFolder } from '../../common/make-folder';
import type { ColumnDecoder } from '../../model/column-decoding';
import { duckdb, giveFreedMemoryBack } from './library';
import { literal, type TableName } from './types';
import type { UsersObjects } from './users-objects';
import { RowVectors, type ConstantColumn, type DecodedRows } from './load/row-vectors';
import { destinationError, messageOf, openError } from './errors';
import { FILE_STORAGE, type Storage } from './storage';

export interface WarehouseOptions {
  readonly path: string;
  /** Bytes that DuckDB's buffer manager may use. */
  readonly memoryBytes: number;
  readonly threads: number;
  /** Opens for reading: nothing is created, and several processes may have the file open so at once. */
  readonly readOnly?: true;
  /** Without it, DuckDB's own SQL splits batches. The logger is told where it cannot be used. */
  readonly columnDecoder?: ColumnDecoder;
  readonly logger?: { warning(message: string): void };
}

/**
 * Rows of a new row group; those of other sizes may stand beside it. Rows stay in memory until their row group is full.
 * Where DuckDB may not use that much, each block of texts goes into a temporary file: 500,000 texts of 2 kB took 24 s and
 * 1,070 MB with DuckDB's 122,880 rows, and 11 s and 640 MB with these. Rows of a few values take 5 % more CPU time and
 * 10 MB less memory; 8,192 rows would cost them a seventh, 2,048 three quarters.
 */
export const ROW_GROUP_ROWS = 30_720;

export interface PresentColumn {
  readonly name: string;
  readonly type: string;
  /** NULL is not allowed. We insert NULL even where there is a default. */
  readonly needsValue: boolean;
}

export type Scalar = string | number | bigint | boolean | null;

/** One connection to the warehouse, with one transaction open at most. */
export class Warehouse {
  private closed = false;
  private readonly running = new Set<Promise<unknown>>();
  private readonly changedTables = new Set<string>();
  /** Rows by table that were inserted since the transaction began. */
  private readonly insertedRows = new Map<string, number>();
  /** Makes vectors of batches; undefined without the addon. */
  rowVectors: RowVectors | undefined;
  /** Objects that users added to the tables; undefined where none of them is written. */
  usersObjects: UsersObjects | undefined;
  /** Bytes of text of the rows that were inserted since the transaction began. */
  private insertedBytes = 0;
  /** Whether the transaction has statements that must not be replayed from DuckDB's log. */
  private mustNotLog = false;

  /** `path`: its name in messages. The storage is attached to the connection, and its default database. */
  constructor(
    private readonly instance: DuckDBInstance,
    private readonly connection: DuckDBConnection,
    readonly path: string,
    private memoryBytes: number,
    readonly storage: Storage,
  ) {}

  /**
   * The file is attached to a database in memory, which is then detached. So the size of row groups can be set, and a
   * log with an ALTER TABLE … USING that calls a function can be replayed. Where the file is the first database, DuckDB
   * looks for functions in a default database that does not exist yet.
   */
  static async open(options: WarehouseOptions): Promise<Warehouse> {
    giveFreedMemoryBack(options.path);
    const Instance = duckdb().DuckDBInstance;
    try {
      if (options.readOnly !== true && !existsSync(options.path)) await createFile(Instance, options.path);
      const instance = await Instance.create(':memory:', {
        memory_limit: `${Math.max(24, Math.floor(options.memoryBytes / 1_000_000))}MB`,
        threads: String(options.threads),
        // The same place as where DuckDB opens the file itself; by default it would be the working directory.
        temp_directory: `${options.path}.tmp`,
        // Nothing may be fetched from elsewhere. (preserve_insertion_order stays on: without it every insert of a batch
        // takes the parallel path, which costs twice the CPU and ten times the memory.)
        autoinstall_known_extensions: 'false',
        // Five row groups are held back by default before they are written; one saves a quarter of the memory.
        write_buffer_row_group_count: '1',
        // A commit that ends in a checkpoint writes its rows into the file alone, not into the log first.
        auto_checkpoint_skip_wal_threshold: '0',
      });
      return await Warehouse.attach(instance, options).catch((error: unknown) => {
        instance.closeSync();
        throw error;
      });
    } catch (error) {
      throw error instanceof ConnectorError ? error : openError(error, options.path);
    }
  }

  private static async attach(instance: DuckDBInstance, options: WarehouseOptions): Promise<Warehouse> {
    const connection = await instance.connect();
    const attached = options.readOnly === true ? 'READ_ONLY' : `ROW_GROUP_SIZE ${ROW_GROUP_ROWS}`;
    await connection.run(
      `ATTACH ${literal(options.path)} AS ${DATABASE} (${attached}); USE ${DATABASE}; DETACH memory`,
    );
    const warehouse = new Warehouse(instance, connection, options.path, options.memoryBytes, FILE_STORAGE);
    // DuckDB writes runs of equal values once, and to DuckDB 0 and -0 are equal.
    await warehouse.run("SET TimeZone = 'UTC'; SET disabled_compression_methods = 'rle'");
    await warehouse.assertStored();
    if (options.columnDecoder !== undefined) warehouse.decodeWith(options.columnDecoder, options.logger);
    return warehouse;
  }

  /** Lets batches be taken apart by the addon. Outside of any transaction. */
  decodeWith(columnDecoder: ColumnDecoder, logger?: WarehouseOptions['logger']): void {
    this.rowVectors = RowVectors.register(this.connection, columnDecoder, this.storage.heldBytes, logger);
  }

  /** DuckDB opens a file named like data (.json, .csv, .parquet) in memory, and all of it would be lost in the end. */
  private async assertStored(): Promise<void> {
    const sql = 'SELECT path IS NOT NULL FROM duckdb_databases() WHERE database_name = current_database()';
    if ((await this.rows(sql))[0]?.[0] === true) return;
    throw destinationError(`DuckDB takes ${this.path} for a file of data, by its name.`, 'not_a_warehouse', {
      hint: 'Give "warehouse_path" a name that ends in .db or .duckdb.',
    });
  }

  /** Updates or deletes rows of `table`, whose columns must then be changed as destinations/duckdb/load/alter-table does. */
  async changeRows(table: string, sql: string, bits?: DuckDBBitValue): Promise<number> {
    const changed = bits === undefined ? await this.run(sql) : await this.runWithBits(sql, bits);
    if (changed > 0) this.changedTables.add(table);
    return changed;
  }

  /**
   * Changes the type of a column of `table`; `value` is SQL for its values. DuckDB writes the expression into its log.
   * If it calls a function, DuckDB cannot replay the log and open the file again. So the commit goes into the file.
   */
  async changeType(table: string, column: string, type: string, value: string): Promise<void> {
    this.mustNotLog = true;
    await this.run(`ALTER TABLE ${table} ALTER ${column} TYPE ${type} USING ${value}`);
  }

  /** Whether the table's columns can be changed: DuckDB refuses it after updates and deletions, and under an index. */
  isAlterable(table: string): boolean {
    // A lake knows no such limits: it writes files only.
    if (!this.storage.changesTypes) return true;
    return !this.changedTables.has(table) && this.usersObjects?.has(table) !== true;
  }

  /** Whether so many rows were inserted since the transaction began that DuckDB has written some of them. */
  hasWrittenRows(table: string): boolean {
    return this.storage.changesTypes && (this.insertedRows.get(table) ?? 0) >= ROW_GROUP_ROWS;
  }

  /** Inserts rows of another table into `table`. */
  async insertRows(table: string, rest: string): Promise<number> {
    const written = await this.run(`INSERT INTO ${table} ${rest}`);
    this.countRows(table, written);
    return written;
  }

  /** Bytes of the rows that this transaction inserted. */
  countInserted(bytes: number): void {
    this.insertedBytes += bytes;
  }

  /** Rows inserted into `table` by this transaction. */
  countRows(table: string, rows: number): void {
    this.insertedRows.set(table, (this.insertedRows.get(table) ?? 0) + rows);
  }

  async endTransaction(how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    const intoFile =
      this.storage.makesCheckpoints && how === 'COMMIT' && (this.mustNotLog || this.insertedBytes > CHECKPOINT_BYTES);
    this.changedTables.clear();
    this.insertedRows.clear();
    this.insertedBytes = 0;
    this.mustNotLog = false;
    if (intoFile) await this.run("SET checkpoint_threshold = '1B'");
    await this.run(how);
    if (intoFile) await this.run('RESET checkpoint_threshold');
  }

  /** Raises DuckDB's memory limit to that much. It is never lowered, because memory in use could not be given back. */
  async allowMemory(bytes: number): Promise<void> {
    if (bytes <= this.memoryBytes) return;
    this.memoryBytes = bytes;
    await this.run(`SET memory_limit = '${Math.ceil(bytes / 1_000_000)}MB'`);
  }

  async run(sql: string): Promise<number> {
    return await this.tracked(async () => Number((await this.connection.run(sql)).rowsChanged));
  }

  /** Rows of a query that selects scalars only; BIGINT comes as bigint. */
  async rows(sql: string): Promise<Scalar[][]> {
    return await this.tracked(async () => (await this.connection.runAndReadAll(sql)).getRowsJS() as Scalar[][]);
  }

  /**
   * Types by column, in order; empty where there is no such table. `table` is qualified and quoted. information_schema
   * would look at every column of every table each time.
   */
  async columnsOf(table: string): Promise<Map<string, string>> {
    return new Map((await this.describe(table)).map(({ name, type }) => [name, type]));
  }

  /** Like `columnsOf`, with the columns' other properties. */
  async describe(table: string): Promise<readonly PresentColumn[]> {
    try {
      // pragma_table_info does not find a name with a quote in it.
      const rows = await this.rows(`SELECT column_name, column_type, "null" FROM (DESCRIBE ${table})`);
      return rows.map(([name, type, nullable]) => ({
        name: String(name),
        type: String(type),
        needsValue: nullable === 'NO',
      }));
    } catch (error) {
      // The transaction goes on, because DuckDB had not begun to execute.
      if (/^Catalog Error: Table with name/.test(messageOf((error as ConnectorError).cause))) return [];
      throw error;
    }
  }

  async prepare(sql: string): Promise<DuckDBPreparedStatement> {
    return await this.tracked(() => this.connection.prepare(sql));
  }

  /** Runs a prepared statement with text parameters; returns the rows changed. */
  async runPrepared(statement: DuckDBPreparedStatement, parameters: readonly string[]): Promise<number> {
    return await this.tracked(async () => {
      for (const [index, parameter] of parameters.entries()) statement.bindVarchar(index + 1, parameter);
      return Number((await statement.run()).rowsChanged);
    });
  }

  private async runWithBits(sql: string, bits: DuckDBBitValue): Promise<number> {
    return await this.tracked(async () => {
      const statement = await this.connection.prepare(sql);
      try {
        statement.bindBit(1, bits);
        return Number((await statement.run()).rowsChanged);
      } finally {
        statement.destroySync();
      }
    });
  }

  /** Runs a statement that reads from `sourceOfRows`, prepared or not; returns the rows changed. */
  async runWithRows(statement: DuckDBPreparedStatement | string, parts: readonly DecodedRows[]): Promise<number> {
    const run = (): Promise<number> =>
      typeof statement === 'string' ? this.run(statement) : this.runPrepared(statement, []);
    return (await this.rowVectors?.runWith(parts, run)) ?? 0;
  }

  /** Adds rows to a table of just their types and the constant ones, in half the time; but it blocks the main thread. */
  async append(to: TableName, parts: readonly DecodedRows[], constants: readonly ConstantColumn[]): Promise<void> {
    await this.tracked(async () => {
      const appender = await this.connection.createAppender(to.name, to.schema);
      try {
        for (const part of parts) {
          const chunk = this.rowVectors?.chunkOf(part, constants);
          if (chunk !== undefined) appender.appendDataChunk(chunk);
        }
        appender.closeSync();
      } catch (error) {
        // It would try once more when it is collected as garbage, in whichever transaction is open then.
        appender.clear();
        throw error;
      }
    });
  }

  /** Ends the running statement with an error; does nothing where there is none. */
  interrupt(): void {
    if (!this.closed && this.running.size > 0) this.connection.interrupt();
  }

  /**
   * Ends running statements, and waits for them: DuckDB blocks the main thread for ever if it is closed under a
   * statement.
   */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    while (this.running.size > 0) {
      this.connection.interrupt();
      await Promise.allSettled(this.running);
    }
    this.connection.closeSync();
    this.instance.closeSync();
  }

  /** Runs what is to be ended before the file is closed, or by `interrupt`. */
  async tracked<T>(statement: () => Promise<T>): Promise<T> {
    if (this.closed) throw destinationError(`The warehouse ${this.path} was closed.`, 'closed', {});
    const result = statement();
    this.running.add(result);
    try {
      return await result;
    } catch (error) {
      throw this.storage.writeError(error, this.path);
    } finally {
      this.running.delete(result);
    }
  }
}

/** The name under which the file is attached. Its own name may be that of a schema, and would then be ambiguous. */
export const DATABASE = '_pgsluice_warehouse';

/**
 * DuckDB makes a checkpoint instead of writing its log where a commit is larger than this. But it counts each text as
 * 16 bytes: 500 MB of long texts went into the log at the commit and into the file at the end. That took half as long
 * again, and 400 MB more memory. So we request one for large commits.
 */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;

/**
 * Size of the blocks of a new file. A table takes at least one: with DuckDB's own 256 kB, 10,000 tables of 10 rows took
 * 2.8 GB, now 0.8 GB. Large tables take the same time and a little less room; 16 kB would cost them a third more.
 */
const BLOCK_BYTES = '65536';

/**
 * A new warehouse is made beside its place and linked into it when it is whole. DuckDB writes the headers one after
 * another, and a process killed in between would leave a file that can never be opened again.
 */
export async function createFile(Instance: typeof DuckDBInstance, path: string): Promise<void> {
  // A process id would not do: in a container it is the same each time, and a killed process may have left its file.
  const beside = `${path}.${randomBytes(6).toString('hex')}.new`;
  makeFolder(dirname(path));
  try {
    (await Instance.create(beside, { default_block_size: BLOCK_BYTES })).closeSync();
    // A rename would replace the file of another process that was quicker.
    linkSync(beside, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Some file systems have no links.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS') renameSync(beside, path);
    else if (code !== 'EEXIST') throw error;
  } finally {
    rmSync(beside, { force: true });
  }
}
