/** A person's own SQL on the warehouse file. The file is opened for reading, and nothing outside of it is reached. */
import { existsSync } from 'node:fs';
import { ConnectorError } from '../../common/errors';
import type { QueryColumn, QueryResult, ListedTable, WarehouseReader } from '../warehouse-reader';
import { messageOf } from './errors';
import { allowReading } from './memory-room';
import { literal, quoted } from './types';
import { Warehouse } from './warehouse';

const MEMORY_BYTES = 512_000_000;
const THREADS = 2;

/** undefined: there is no such file. Rejects with code `warehouse_locked` while a sync has it open. */
export async function openReader(path: string): Promise<WarehouseReader | undefined> {
  if (!existsSync(path)) return undefined;
  const warehouse = await Warehouse.open({ path, memoryBytes: MEMORY_BYTES, threads: THREADS, readOnly: true });
  await allowReading(warehouse, MEMORY_BYTES);
  return await readerOf(warehouse);
}

/** `dataPath`: where the files of a lake are. */
export async function readerOf(warehouse: Warehouse, dataPath?: string): Promise<WarehouseReader> {
  try {
    if (dataPath !== undefined) await warehouse.run(`SET allowed_directories = [${literal(dataPath)}]`);
    // No other file is read or written, and no extension is loaded.
    await warehouse.run('SET enable_external_access = false; SET lock_configuration = true');
    return new DuckDbReader(warehouse);
  } catch (error) {
    await warehouse.close();
    throw error;
  }
}

class DuckDbReader implements WarehouseReader {
  constructor(private readonly warehouse: Warehouse) {}

  async query(text: string): Promise<QueryResult> {
    const sql = text.replace(/[;\s]+$/, '');
    try {
      const statement = await this.warehouse.prepare(sql);
      const columns = Array.from({ length: statement.columnCount }, (_, index): QueryColumn => ({
        name: statement.columnName(index),
        type: String(statement.columnType(index)),
      }));
      // Cast by DuckDB, which writes every value exactly. EXPLAIN and its like cannot be asked in this way.
      const asTexts = await this.warehouse.prepare(castToText(sql, columns)).catch(() => statement);
      return { columns, rows: this.rowsOf(() => asTexts.stream()) };
    } catch (error) {
      throw mistake(error);
    }
  }

  async tables(): Promise<readonly ListedTable[]> {
    const found = await this.warehouse.rows(
      "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal AND schema_name <> '_pgsluice' ORDER BY ALL",
    );
    const [size] = await this.warehouse.rows(
      'SELECT block_size FROM pragma_database_size() WHERE database_name = current_database()',
    );
    const tables: ListedTable[] = [];
    for (const [schema, name] of found) {
      const table = `${quoted(String(schema))}.${quoted(String(name))}`;
      const [count] = await this.warehouse.rows(`SELECT count(*) FROM ${table}`);
      const blocks = await this.blocksOf(table);
      const bytes = blocks === null || size === undefined ? null : blocks * Number(size[0]);
      tables.push({ schema: String(schema), name: String(name), rows: Number(count?.[0] ?? 0), bytes });
    }
    return tables;
  }

  interrupt(): void {
    this.warehouse.interrupt();
  }

  close(): Promise<void> {
    return this.warehouse.close();
  }

  /** Blocks with nothing but this table in them are the greater part of a table that is worth asking for. */
  private async blocksOf(table: string): Promise<number | null> {
    try {
      const [row] = await this.warehouse.rows(
        `SELECT count(DISTINCT block) FROM (SELECT unnest(list_append(additional_block_ids, block_id)) AS block FROM pragma_storage_info(${literal(table)})) WHERE block >= 0`,
      );
      return Number(row?.[0] ?? 0);
    } catch {
      return null;
    }
  }

  private async *rowsOf(start: () => Promise<Streamed>): AsyncGenerator<readonly (string | null)[]> {
    try {
      const result = await this.warehouse.tracked(start);
      for (;;) {
        const chunk = await this.warehouse.tracked(() => result.fetchChunk());
        if (chunk === null || chunk.rowCount === 0) return;
        for (const row of chunk.getRows())
          yield row.map((value) => (value === null ? null : String(value as string | number)));
      }
    } catch (error) {
      throw mistake(error);
    }
  }
}

/** What is used of DuckDB's result. */
interface Streamed {
  fetchChunk(): Promise<{ readonly rowCount: number; getRows(): unknown[][] } | null>;
}

function castToText(sql: string, columns: readonly QueryColumn[]): string {
  const names = columns.map((_, index) => `c${index}`);
  const texts = columns.map(({ type }, index) =>
    type === 'BLOB' ? `'\\x' || lower(hex(c${index}))` : `CAST(c${index} AS VARCHAR)`,
  );
  // On lines of their own, since a comment may end the statement.
  return `SELECT ${texts.join(', ')} FROM (\n${sql}\n) AS q(${names.join(', ')})`;
}

/** DuckDB's own words, which quote the person's statement and show the place in it. */
function mistake(error: unknown): ConnectorError {
  // The statement is right, and the lake is not.
  if (error instanceof ConnectorError && error.ofTable) return error;
  const { cause = error } = error as { readonly cause?: unknown };
  const text = messageOf(cause).trim();
  const changes =
    /read-only|Cannot execute statement of type|disabled (?:by|through) configuration|external access/i.test(text);
  const message = /multiple statements/i.test(text) ? 'Give one statement at a time.' : text;
  return new ConnectorError(message, {
    code: 'query',
    kind: 'configuration',
    ...(changes ? { hint: 'The warehouse is opened for reading only, and no other file is reached.' } : {}),
    cause: error,
  });
}
