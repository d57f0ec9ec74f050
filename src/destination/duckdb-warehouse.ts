/** The warehouse file: opening, locking, and DuckDB's errors as sentences. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DuckDBConnection, DuckDBInstance, DuckDBPreparedStatement } from '@duckdb/node-api';
import { ConnectorError } from '../common/errors';

export interface WarehouseOptions {
  readonly path: string;
  /** Bytes that DuckDB's buffer manager may use. */
  readonly memoryBytes: number;
  readonly threads: number;
  /** For a look only: nothing is created, and several processes may have it so at once. */
  readonly readOnly?: true;
}

export type Scalar = string | number | bigint | boolean | null;

/** One connection to the warehouse, with one transaction open at most. */
export class Warehouse {
  private closed = false;

  private constructor(
    private readonly instance: DuckDBInstance,
    private readonly connection: DuckDBConnection,
    readonly path: string,
  ) {}

  static async open(options: WarehouseOptions): Promise<Warehouse> {
    // Loaded here: the library is large, and `--help` does without it.
    const { DuckDBInstance: Instance } = await import('@duckdb/node-api');
    try {
      if (options.readOnly !== true) mkdirSync(dirname(options.path), { recursive: true });
      const instance = await Instance.create(options.path, {
        memory_limit: `${Math.max(64, Math.floor(options.memoryBytes / 1_000_000))}MB`,
        threads: String(options.threads),
        // Nothing may be fetched from elsewhere. (preserve_insertion_order stays on: without it every
        // insert of a batch takes the parallel path, which costs twice the CPU and ten times the memory.)
        autoinstall_known_extensions: 'false',
        ...(options.readOnly === true ? { access_mode: 'READ_ONLY' } : {}),
      });
      const connection = await instance.connect();
      const warehouse = new Warehouse(instance, connection, options.path);
      await warehouse.run("SET TimeZone = 'UTC'");
      return warehouse;
    } catch (error) {
      throw openError(error, options.path);
    }
  }

  async run(sql: string): Promise<number> {
    try {
      return Number((await this.connection.run(sql)).rowsChanged);
    } catch (error) {
      throw writeError(error, this.path);
    }
  }

  /** Rows of a query that selects scalars only; BIGINT comes as bigint. */
  async rows(sql: string): Promise<Scalar[][]> {
    try {
      return (await this.connection.runAndReadAll(sql)).getRowsJS() as Scalar[][];
    } catch (error) {
      throw writeError(error, this.path);
    }
  }

  async prepare(sql: string): Promise<DuckDBPreparedStatement> {
    try {
      return await this.connection.prepare(sql);
    } catch (error) {
      throw writeError(error, this.path);
    }
  }

  /** Runs a prepared statement with text parameters; returns the rows changed. */
  async runPrepared(statement: DuckDBPreparedStatement, parameters: readonly string[]): Promise<number> {
    try {
      for (const [index, parameter] of parameters.entries()) statement.bindVarchar(index + 1, parameter);
      return Number((await statement.run()).rowsChanged);
    } catch (error) {
      throw writeError(error, this.path);
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.connection.closeSync();
    this.instance.closeSync();
  }
}

function openError(error: unknown, path: string): ConnectorError {
  const text = messageOf(error);
  const holder = /PID (\d+)/.exec(text)?.[1];
  if (/Could not set lock|Conflicting lock|being used by another process/i.test(text)) {
    return destinationError(
      `The warehouse ${path} is open in another process${holder === undefined ? '' : ` (PID ${holder})`}.`,
      'warehouse_locked',
      {
        cause: error,
        hint: 'Wait until it ends or close it there: one process at a time may open a warehouse.',
      },
    );
  }
  if (/not a valid DuckDB database file|not a database|magic bytes/i.test(text)) {
    return destinationError(`The file ${path} is not a DuckDB database.`, 'not_a_warehouse', {
      cause: error,
      hint: 'Name another file with "destination_path", or move this one away.',
    });
  }
  if (/version number|newer version|older version/i.test(text)) {
    return destinationError(
      `The warehouse ${path} was written by another version of DuckDB: ${firstLine(text)}`,
      'warehouse_version',
      { cause: error },
    );
  }
  if (/permission denied|EACCES|EROFS|Cannot open file/i.test(text)) {
    return destinationError(`The warehouse ${path} cannot be opened: ${firstLine(text)}.`, 'warehouse_unavailable', {
      cause: error,
      hint: 'Check the permissions of the file and its folder.',
    });
  }
  return destinationError(`The warehouse ${path} cannot be opened: ${firstLine(text)}.`, 'warehouse_unavailable', {
    cause: error,
  });
}

/** A value or a row that does not fit is the table's fault; everything else stops the run. */
function writeError(error: unknown, path: string): ConnectorError {
  const text = messageOf(error);
  if (/No space left|disk full|not enough space|ENOSPC|could not write all bytes/i.test(text)) {
    return destinationError(`The disk is full: ${path} cannot grow.`, 'disk_full', {
      cause: error,
      hint: 'Free some space and run the sync again; what was committed is kept.',
    });
  }
  if (/^(Conversion|Out of Range|Invalid Input|Constraint|Mismatch Type)/i.test(text)) {
    return new ConnectorError(`A value does not fit the warehouse: ${withoutValues(text)}`, {
      code: 'value_does_not_fit',
      kind: 'source',
      cause: error,
    });
  }
  return destinationError(`Writing ${path} failed: ${firstLine(text)}.`, 'warehouse_write', { cause: error });
}

function destinationError(message: string, code: string, more: { cause: unknown; hint?: string }): ConnectorError {
  return new ConnectorError(message, { code, kind: 'destination', ...more });
}

function messageOf(error: unknown): string {
  // Not instanceof: an error of another realm (a test runner's) is one as well.
  const { message } = error as { readonly message?: unknown };
  return typeof message === 'string' ? message : String(error);
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/\.$/, '');
}

/** DuckDB quotes the offending value; data does not belong into logs. */
function withoutValues(text: string): string {
  return firstLine(text).replace(/(["']).*\1/g, '"…"');
}
