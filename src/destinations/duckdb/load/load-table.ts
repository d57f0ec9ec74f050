/**
 * A table being filled: this file leads a batch along its way. `column-types` makes the table's columns able to hold what
 * comes, `insert-rows` writes the SQL of its inserts, and `insert-buffer` gathers rows for one insert.
 */
import { ConnectorError } from '../../../common/errors';
import type { Logger } from '../../../common/logger';
import { isBinaryKind } from '../../../model/binary-values';
import type { PackedBatch } from '../../../model/packed-batch';
import { mayBeAppended, stampColumns } from './appender';
import type { DestinationTable, LoadStamp } from '../../destination';
import { storedTypes } from '../copy-altered';
import { hasDigits, withTexts, type FittedBatch } from './batch-fit';
import { checkTaken } from './check-taken';
import { ColumnTypes } from './column-types';
import { RecentRows } from './row-size-window';
import { HeldRows, type HeldBatches } from './insert-buffer';
import { partialRows, wholeRows, type RowsToInsert } from './insert-rows';
import { InsertStatement } from './insert-statement';
import { duckdbType, qualified, quoted, type TableName, type ValueForm } from '../types';
import { VECTOR_ROWS } from '../library';
import type { Warehouse } from '../warehouse';
import { holdsBinary, type DecodedRows } from './row-vectors';

export interface LoadTableOptions {
  readonly warehouse: Warehouse;
  readonly table: DestinationTable;
  readonly place: TableName;
  readonly stamp: LoadStamp;
  readonly logger: Logger;
}

export class LoadTable {
  readonly table: DestinationTable;
  readonly stamp: LoadStamp;
  /**
   * Work that must be done before a column changes its type, such as moving rows that another table has of this one.
   */
  beforeTypeChange: () => Promise<void> = () => Promise.resolve();
  /** Bytes that DuckDB will have in memory together when it writes the last rows. */
  readonly recent = new RecentRows(VECTOR_ROWS);

  private readonly warehouse: Warehouse;
  private place: TableName;
  private readonly types: ColumnTypes;
  private readonly statements = new Map<string, InsertStatement>();
  private readonly held: HeldRows | undefined;
  private isMade: boolean;
  /** Rows that the table has; undefined where something other than `insert` has made or changed it. */
  private rowCount: number | undefined;
  private hasEscapes = false;

  private constructor(
    { warehouse, table, place, stamp, logger }: LoadTableOptions,
    types: string[],
    /** This load made the table. */
    private readonly isNew: boolean,
  ) {
    this.warehouse = warehouse;
    this.table = table;
    this.place = place;
    this.stamp = stamp;
    this.isMade = !isNew;
    this.rowCount = isNew ? 0 : undefined;
    const beforeChange = (copy: string | undefined): Promise<readonly string[]> => this.prepareTypeChange(copy);
    this.types = new ColumnTypes({ warehouse, table, logger, beforeChange }, types);
    const { rowVectors } = warehouse;
    if (rowVectors !== undefined)
      this.held = new HeldRows(rowVectors, warehouse.storage, (held) => this.insertHeld(held));
  }

  /** Prepares a new table, which `make` creates when there are rows for it. */
  static create(options: LoadTableOptions): LoadTable {
    const types = options.table.columns.map((column) => duckdbType(column.type));
    return new LoadTable(options, types, true);
  }

  /** Resumes a table that exists; its types may have been widened meanwhile. */
  static async reopen(options: LoadTableOptions): Promise<LoadTable> {
    const present = await options.warehouse.describe(qualified(options.place));
    return new LoadTable(options, storedTypes(options.table, present), false);
  }

  /** Not quoted. */
  get tableName(): string {
    return this.place.name;
  }

  /** Qualified and quoted. */
  get name(): string {
    return qualified(this.place);
  }

  /** Whether columns of digits (model/binary-values) can become vectors of the table's present types. */
  get takesBinary(): boolean {
    return takesBinary(this.warehouse, this.table, this.types.stored);
  }

  /** A text has a character that separates texts in the digest of a row, or stands for NULL there. */
  get isAmbiguous(): boolean {
    return this.hasEscapes;
  }

  /** Creates the table if that was not done; under another name than planned, if one is given. */
  async make(place: TableName = this.place): Promise<void> {
    if (this.isMade) return;
    this.place = place;
    const keys = new Set(this.table.primaryKey);
    const columns = this.table.columns.map(
      ({ name }, index) => `${quoted(name)} ${this.types.stored[index]}${keys.has(name) ? ' NOT NULL' : ''}`,
    );
    const added = [
      `sync_timestamp ${this.stamp.secondsType ?? 'DOUBLE'}`,
      '_fivetran_synced TIMESTAMP WITH TIME ZONE',
      '_fivetran_deleted BOOLEAN',
      ...(keys.size === 0 ? ['_fivetran_id VARCHAR'] : []),
    ];
    await this.warehouse.run(`CREATE OR REPLACE TABLE ${this.name} (${[...columns, ...added].join(', ')})`);
    this.isMade = true;
  }

  /** Makes every column able to hold the batch's values, which must be inserted before the next batch is fitted. */
  async fit(batch: PackedBatch): Promise<FittedBatch> {
    return await this.fitColumns(
      batch,
      batch.columns.map((_, index) => index),
    );
  }

  /**
   * Inserts a batch into this table, or into `into`, which has the same columns. The rows are inserted at the latest
   * when `flush` is called.
   */
  async insert(fitted: FittedBatch, into?: string): Promise<void> {
    const { batch, forms, rows } = fitted;
    if (batch.rowCount === 0) return;
    this.hasEscapes ||= batch.columns.some(({ encoding }) => encoding === 'escaped');
    const shape = rows?.types.join() ?? batch.columns.map((column) => `${column.encoding}${column.nullable}`).join();
    const signature = `${into ?? ''}|${forms.join()}|${shape}`;
    let statement = this.statements.get(signature);
    if (statement === undefined) {
      statement = this.statement(wholeRows(fitted, this.table, this.types, this.stamp), into);
      this.statements.set(signature, statement);
    }
    if (rows !== undefined) {
      await this.held?.hold(statement, rows, batch.bytes);
      return;
    }
    await this.flush();
    await this.run(statement, fitted);
  }

  /**
   * Inserts rows of key columns alone into a table that has just those. Returns whether a column's type changed for
   * them.
   */
  async insertKeys(batch: PackedBatch, into: string): Promise<boolean> {
    if (batch.rowCount === 0) return false;
    const places = this.table.primaryKey.map((key) => this.table.columns.findIndex((column) => column.name === key));
    if (batch.columns.length !== places.length)
      throw new ConnectorError('A batch of keys lacks a column.', { code: 'batch_shape', kind: 'internal' });
    // A key that the table does not hold yet must not be rounded into one that it does.
    const fitted = await this.fitColumns(batch, places, into);
    await this.run(this.statement(partialRows(fitted, places, this.types), into), fitted);
    return fitted.changedTypes;
  }

  /** Inserts the rows that wait for more. */
  async flush(): Promise<void> {
    await this.held?.flush();
  }

  /** Must be called when no more batches come. */
  async close(): Promise<void> {
    await this.make();
    await this.flush();
    this.held?.release();
  }

  /** Must be called after a commit: DuckDB would plan a statement of an earlier transaction again at each execution. */
  forgetStatements(): void {
    this.statements.clear();
  }

  /** Must be called when the table has gained or lost rows by other ways than `insert`. */
  changedRows(): void {
    this.rowCount = undefined;
  }

  /** Rows that the table has. */
  async countRows(): Promise<number> {
    this.rowCount ??= Number((await this.warehouse.rows(`SELECT count(*) FROM ${this.name}`))[0]?.[0] ?? 0);
    return this.rowCount;
  }

  /** `places` are the places of the batch's columns in the table, `copy` is that of `ColumnTypes.fit`. */
  private async fitColumns(given: PackedBatch, places: readonly number[], copy?: string): Promise<FittedBatch> {
    const before = this.types.stored.join();
    let batch = given;
    let rows = await this.decode(batch, places);
    if (rows === undefined && hasDigits(batch)) {
      // DuckDB has no number for some values, or they came when the column was text already.
      batch = withTexts(batch);
      rows = await this.decode(batch, places);
      if (rows === undefined && hasDigits(batch))
        throw new ConnectorError(`A batch of ${this.table.key} was read in a form that its table does not take.`, {
          code: 'batch_shape',
          kind: 'internal',
        });
    }
    const forms: ValueForm[] = [];
    for (const [index, column] of batch.columns.entries()) {
      const at = places[index] ?? -1;
      // Decoded values are exactly what the column's type holds.
      const isDecoded = rows !== undefined && rows.types[index] !== 'VARCHAR';
      forms.push(isDecoded ? 'plain' : await this.types.fit(at, column, copy));
    }
    return { batch, forms, rows, changedTypes: this.types.stored.join() !== before };
  }

  private async decode(batch: PackedBatch, places: readonly number[]): Promise<DecodedRows | undefined> {
    if (batch.rowCount === 0 || batch.columns.length === 0) return undefined;
    // The identity of a row without a key is made of its texts.
    const asText = this.table.primaryKey.length === 0;
    return await this.held?.decode(
      batch,
      places.map((at) => (asText ? 'VARCHAR' : (this.types.stored[at] ?? 'VARCHAR'))),
    );
  }

  /** See `ColumnTypesOptions.beforeChange`. */
  private async prepareTypeChange(copy: string | undefined): Promise<readonly string[]> {
    // These rows were decoded for the old type, and are counted in its digits.
    await this.flush();
    await this.beforeTypeChange();
    // These statements were prepared for the old type.
    this.statements.clear();
    if (!this.isMade) return [];
    return copy === undefined ? [this.name] : [this.name, copy];
  }

  private statement({ sql, isPlain }: RowsToInsert, into: string | undefined): InsertStatement {
    return new InsertStatement(this.warehouse, () => `INSERT INTO ${into ?? this.name} ${sql}`, into, isPlain);
  }

  private async run(statement: InsertStatement, { batch, rows }: FittedBatch): Promise<void> {
    await this.make();
    const texts = batch.columns.length === 0 ? [String(batch.rowCount)] : batch.columns.map((column) => column.text);
    const written = rows === undefined ? await statement.runWithTexts(texts) : await statement.runWithRows([rows]);
    this.counted(written, batch.rowCount, batch.bytes, statement.into);
  }

  private async insertHeld({ statement, parts, rowCount, bytes }: HeldBatches): Promise<void> {
    await this.make();
    const { appends } = this.warehouse.storage;
    if (appends && this.isNew && mayBeAppended({ statement, parts, rowCount, bytes }, this.types.stored)) {
      await this.warehouse.append(this.place, parts, stampColumns(this.stamp));
      this.counted(rowCount, rowCount, bytes, undefined);
    } else {
      this.counted(await statement.runWithRows(parts), rowCount, bytes, statement.into);
    }
  }

  /** `into` is the statement's table. */
  private counted(written: number, rowCount: number, bytes: number, into: string | undefined): void {
    this.warehouse.countInserted(bytes);
    if (into === undefined) this.warehouse.countRows(this.name, rowCount);
    checkTaken(written, rowCount, this.table.key);
    if (into === undefined && this.rowCount !== undefined) this.rowCount += written;
  }
}

/**
 * Whether columns of digits (model/binary-values) become vectors. Without types given, the answer is for a new table.
 */
export function takesBinary(warehouse: Warehouse, table: DestinationTable, types?: readonly string[]): boolean {
  // The identity of a row without a key is made of its texts.
  if (warehouse.rowVectors === undefined || table.primaryKey.length === 0) return false;
  return table.columns.every(({ type }, index) => {
    const stored = types?.[index] ?? duckdbType(type);
    return !isBinaryKind(type.kind) || holdsBinary(stored, type.kind);
  });
}
