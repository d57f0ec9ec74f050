/** A statement that may come again, and is prepared when it does: most tables have one batch, which preparing would delay. */
import type { DuckDBPreparedStatement } from '@duckdb/node-api';
import type { Warehouse } from '../warehouse';
import type { DecodedRows } from './row-vectors';

export class InsertStatement {
  private prepared: DuckDBPreparedStatement | undefined;
  private hasRun = false;

  constructor(
    private readonly warehouse: Warehouse,
    /** Called when the statement runs. */
    private readonly sql: () => string,
    /** The table that it inserts into, where that is another than the load's. */
    readonly into?: string,
    /** It inserts the columns of its rows as they are, and the stamp. */
    readonly isPlain = false,
  ) {}

  /** With text parameters; returns the rows inserted. */
  async runWithTexts(texts: readonly string[]): Promise<number> {
    this.prepared ??= await this.warehouse.prepare(this.sql());
    return await this.warehouse.runPrepared(this.prepared, texts);
  }

  /** Runs where the statement reads from `sourceOfRows`; returns the rows inserted. */
  async runWithRows(parts: readonly DecodedRows[]): Promise<number> {
    if (this.hasRun) this.prepared ??= await this.warehouse.prepare(this.sql());
    this.hasRun = true;
    return await this.warehouse.runWithRows(this.prepared ?? this.sql(), parts);
  }
}
