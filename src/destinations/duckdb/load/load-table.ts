/**
 * A table being filled: its columns' present types, which follow the data where the source does not fix
 * them, and the statements that insert packed batches.
 */
import { ConnectorError } from '../../../common/errors';
import type { Logger } from '../../../common/logger';
import { hasExactText, isBinaryKind } from '../../../model/binary-values';
import { PackedBatch, PackedColumn, packValues } from '../../../model/packed-batch';
import { changeColumn } from './alter-table';
import { mayBeAppended, stampColumns } from './appender';
import { fitColumn } from './column-fit';
import type { DestinationTable, LoadStamp } from '../../destination';
import { storedTypes } from '../copy-altered';
import { sourceOf, textOf, type FittedBatch } from './fitted-batch';
import { RecentRows } from './row-size-window';
import { HeldRows } from './insert-buffer';
import { InsertStatement } from './insert-statement';
import { castExpression, duckdbType, literal, qualified, quoted, type TableName, type ValueForm } from '../types';
import { isDecimal, storedText, withoutTrailingZeros } from '../verify/postgres-text';
import { VECTOR_ROWS } from '../library';
import type { Warehouse } from '../warehouse';
import { holdsBinary, type DecodedRows } from './row-vectors';

const MAX_DIGITS = 38;

export class LoadTable {
  private readonly statements = new Map<string, InsertStatement>();
  private readonly held: HeldRows | undefined;
  /** What else must be done before a column changes its type, such as moving rows that another table has of this one. */
  beforeTypeChange: () => Promise<void> = () => Promise.resolve();
  /** What DuckDB will have in memory together when it writes the last rows. */
  readonly recent = new RecentRows(VECTOR_ROWS);

  /** Rows that the table has; undefined where others than `insert` have made it or changed it. */
  private rowCount: number | undefined;

  private constructor(
    private readonly warehouse: Warehouse,
    readonly table: DestinationTable,
    private place: TableName,
    private readonly stamp: LoadStamp,
    private readonly storedTypes: string[],
    private readonly logger: Logger,
    /** The table is of this load's making. */
    private readonly isNew: boolean,
    private isMade = !isNew,
  ) {
    if (isNew) this.rowCount = 0;
    const { rowVectors } = warehouse;
    if (rowVectors === undefined) return;
    this.held = new HeldRows(rowVectors, async (held) => {
      await this.make();
      if (this.isNew && mayBeAppended(held, this.storedTypes)) {
        await this.warehouse.append(this.place, held.parts, stampColumns(this.stamp));
        this.counted(held.rowCount, held.rowCount, held.bytes, undefined);
      } else {
        const written = await held.statement.runWithRows(held.parts);
        this.counted(written, held.rowCount, held.bytes, held.statement.into);
      }
    });
  }

  /** A new table, which `make` makes when there is something for it. */
  static create(
    warehouse: Warehouse,
    table: DestinationTable,
    place: TableName,
    stamp: LoadStamp,
    logger: Logger,
  ): LoadTable {
    const types = table.columns.map((column) => duckdbType(column.type));
    return new LoadTable(warehouse, table, place, stamp, types, logger, true);
  }

  /** Makes the table where that was not done: in another place than it was meant for, if one is given. */
  async make(place: TableName = this.place): Promise<void> {
    if (this.isMade) return;
    this.place = place;
    const keys = new Set(this.table.primaryKey);
    const columns = this.table.columns.map(
      ({ name }, index) => `${quoted(name)} ${this.storedTypes[index]}${keys.has(name) ? ' NOT NULL' : ''}`,
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

  /** Not quoted. */
  get tableName(): string {
    return this.place.name;
  }

  /** Qualified and quoted. */
  get name(): string {
    return qualified(this.place);
  }

  /** Goes on with a table that exists; its types may have been widened by then. */
  static async reopen(
    warehouse: Warehouse,
    table: DestinationTable,
    place: TableName,
    stamp: LoadStamp,
    logger: Logger,
  ): Promise<LoadTable> {
    const types = storedTypes(table, await warehouse.describe(qualified(place)));
    return new LoadTable(warehouse, table, place, stamp, types, logger, false);
  }

  /** Whether columns of digits (model/binary-values) become vectors. Of a new table, where no types are given. */
  static takesBinary(warehouse: Warehouse, table: DestinationTable, storedTypes?: readonly string[]): boolean {
    // The identity of a row without a key is made of its texts.
    if (warehouse.rowVectors === undefined || table.primaryKey.length === 0) return false;
    return table.columns.every(({ type }, index) => {
      const stored = storedTypes?.[index] ?? duckdbType(type);
      return !isBinaryKind(type.kind) || holdsBinary(stored, type.kind);
    });
  }

  /** Of the table as it is now. */
  get takesBinary(): boolean {
    return LoadTable.takesBinary(this.warehouse, this.table, this.storedTypes);
  }

  /** After a commit: DuckDB would plan a statement of an earlier transaction again at each execution. */
  forgetStatements(): void {
    this.statements.clear();
  }

  /** Inserts a batch into this table, or into `into`, which has the same columns; at the latest when `flush` is called. */
  async insert(fitted: FittedBatch, into?: string): Promise<void> {
    const { batch, forms, rows } = fitted;
    if (batch.rowCount === 0) return;
    const shape = rows?.types.join() ?? batch.columns.map((column) => `${column.encoding}${column.nullable}`).join();
    const signature = `${into ?? ''}|${forms.join()}|${shape}`;
    let statement = this.statements.get(signature);
    if (statement === undefined) {
      statement = this.insertStatement(fitted, into);
      this.statements.set(signature, statement);
    }
    if (rows !== undefined) {
      await this.held?.hold(statement, rows, batch.bytes);
      return;
    }
    await this.flush();
    await this.run(statement, fitted);
  }

  /** Inserts what waits for more rows. */
  async flush(): Promise<void> {
    await this.held?.flush();
  }

  /** No more batches come. */
  async close(): Promise<void> {
    await this.make();
    await this.flush();
    this.held?.release();
  }

  /** Inserts rows of key columns alone into a table that has just those. Whether a column's type changed for them. */
  async insertKeys(batch: PackedBatch, into: string): Promise<boolean> {
    if (batch.rowCount === 0) return false;
    const places = this.table.primaryKey.map((key) => this.table.columns.findIndex((column) => column.name === key));
    if (batch.columns.length !== places.length)
      throw new ConnectorError('A batch of keys lacks a column.', { code: 'batch_shape', kind: 'internal' });
    // A key that the table does not hold yet must not be rounded into one that it does.
    const fitted = await this.fitColumns(batch, places, into);
    const values = places.map((at, index) => this.value(fitted, index, at));
    await this.run(this.statement(`SELECT ${values.join(', ')} FROM ${sourceOf(fitted)}`, into), fitted);
    return fitted.changedTypes;
  }

  /** The table has got or lost rows by other ways than `insert`. */
  changedRows(): void {
    this.rowCount = undefined;
  }

  /** Rows that the table has. */
  async countRows(): Promise<number> {
    this.rowCount ??= Number((await this.warehouse.rows(`SELECT count(*) FROM ${this.name}`))[0]?.[0] ?? 0);
    return this.rowCount;
  }

  /** `rows`: SQL of columns, and perhaps their names, after INSERT INTO and the table. */
  private statement(rows: string, into: string | undefined, isPlain = false): InsertStatement {
    return new InsertStatement(this.warehouse, () => `INSERT INTO ${into ?? this.name} ${rows}`, into, isPlain);
  }

  private async run(statement: InsertStatement, { batch, rows }: FittedBatch): Promise<void> {
    await this.make();
    const texts = batch.columns.length === 0 ? [String(batch.rowCount)] : batch.columns.map((column) => column.text);
    const written = rows === undefined ? await statement.runWithTexts(texts) : await statement.runWithRows([rows]);
    this.counted(written, batch.rowCount, batch.bytes, statement.into);
  }

  /** `into`: of the statement. */
  private counted(written: number, rowCount: number, bytes: number, into: string | undefined): void {
    this.warehouse.countInserted(bytes);
    if (into === undefined) this.warehouse.countRows(this.name, rowCount);
    if (written !== rowCount)
      throw new ConnectorError(`The warehouse took ${written} of ${rowCount} rows of ${this.table.key}.`, {
        code: 'rows_lost',
        kind: 'destination',
      });
    if (into === undefined && this.rowCount !== undefined) this.rowCount += written;
  }

  /** SQL for the load's moment, as `sync_timestamp` and as `_fivetran_synced` hold it. */
  get stampSeconds(): string {
    return `CAST(${this.stamp.startedAt.getTime()} AS DOUBLE) / 1000`;
  }

  get stampTime(): string {
    return `CAST(${literal(this.stamp.startedAt.toISOString())} AS TIMESTAMP WITH TIME ZONE)`;
  }

  /** Makes every column able to hold the batch's values, which must be inserted before the next batch is fitted. */
  async fit(batch: PackedBatch): Promise<FittedBatch> {
    return await this.fitColumns(
      batch,
      batch.columns.map((_, index) => index),
    );
  }

  /** `places`: of the batch's columns in the table. `copy`: as in `fitOne`. */
  private async fitColumns(given: PackedBatch, places: readonly number[], copy?: string): Promise<FittedBatch> {
    const before = this.storedTypes.join();
    let batch = given;
    let rows = await this.decode(batch, places);
    if (rows === undefined && hasDigits(batch)) {
      // Some that DuckDB has no number for, or that came when the column was text already.
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
      // What is decoded is exactly what the column's type holds.
      const isDecoded = rows !== undefined && rows.types[index] !== 'VARCHAR';
      forms.push(isDecoded ? 'plain' : await this.fitOne(at, column, copy));
    }
    return { batch, forms, rows, changedTypes: this.storedTypes.join() !== before };
  }

  private async decode(batch: PackedBatch, places: readonly number[]): Promise<DecodedRows | undefined> {
    if (batch.rowCount === 0 || batch.columns.length === 0) return undefined;
    // The identity of a row without a key is made of its texts.
    const asText = this.table.primaryKey.length === 0;
    return await this.held?.decode(
      batch,
      places.map((at) => (asText ? 'VARCHAR' : (this.storedTypes[at] ?? 'VARCHAR'))),
    );
  }

  /** `copy`: a table that has the column as well, and must follow. */
  private async fitOne(index: number, packed: PackedColumn, copy?: string): Promise<ValueForm> {
    const column = this.table.columns[index];
    const stored = this.storedTypes[index];
    if (column === undefined || stored === undefined)
      throw new ConnectorError('A batch has more columns than its table.', { code: 'batch_shape', kind: 'internal' });
    const fit = fitColumn(column.type, stored, packed);
    if (fit.fits === true) return fit.form;
    if (fit.fits === 'ask' && (await this.isValidJson(packed))) return fit.form;
    // They were decoded for the old type, and their digits count.
    await this.flush();
    await this.beforeTypeChange();
    const tables = this.isMade ? [this.name, ...(copy === undefined ? [] : [copy])] : [];
    const retype = async (type: string, reason?: string): Promise<void> => {
      await this.retype(index, type, tables, reason);
    };
    if (fit.fits === 'ask') {
      await retype('VARCHAR', 'it holds JSON that DuckDB does not accept');
    } else if (fit.needs === 'decimal') {
      let digits = fit.shape.integerDigits;
      for (const table of tables) digits = Math.max(digits, await this.integerDigits(table, column.name));
      if (digits + fit.shape.scale > MAX_DIGITS)
        await retype('VARCHAR', `DECIMAL(${MAX_DIGITS}) cannot hold all of its digits`);
      else await retype(`DECIMAL(${MAX_DIGITS},${fit.shape.scale})`);
    } else {
      await retype('VARCHAR', fit.reason);
    }
    return 'plain';
  }

  private async retype(index: number, type: string, tables: readonly string[], reason?: string): Promise<void> {
    const name = this.table.columns[index]?.name ?? '';
    const from = this.storedTypes[index] ?? type;
    const text = storedText(quoted(name), from);
    const value =
      type !== 'VARCHAR'
        ? `CAST(${quoted(name)} AS ${type})`
        : this.isDecimalKey(index)
          ? withoutTrailingZeros(text)
          : text;
    for (const table of tables) await changeColumn(this.warehouse, table, { column: name, type, value });
    this.storedTypes[index] = type;
    // Prepared for the old type.
    this.statements.clear();
    if (reason !== undefined) this.logger.warning(`Column ${name} of ${this.table.name} becomes VARCHAR: ${reason}.`);
  }

  private async integerDigits(table: string, column: string): Promise<number> {
    const [row] = await this.warehouse.rows(`SELECT CAST(max(abs(trunc(${quoted(column)}))) AS VARCHAR) FROM ${table}`);
    const largest = row?.[0];
    return typeof largest === 'string' ? (largest.split('.')[0] ?? '').replace(/^0+/, '').length : 0;
  }

  private async isValidJson(packed: PackedColumn): Promise<boolean> {
    const statement = await this.warehouse.prepare(
      `CREATE OR REPLACE TEMP TABLE pgsluice_invalid AS SELECT v FROM (SELECT unnest(string_split($1, chr(31))) AS v) WHERE v <> chr(29) AND NOT json_valid(v)`,
    );
    // A CREATE TABLE AS reports no rows, so they are counted.
    await this.warehouse.runPrepared(statement, [packed.text]);
    const [counted] = await this.warehouse.rows('SELECT count(*) FROM pgsluice_invalid');
    return Number(counted?.[0]) === 0;
  }

  private insertStatement(fitted: FittedBatch, into: string | undefined): InsertStatement {
    const columns = fitted.batch.columns.map((_, index) => index);
    const values = columns.map((index) => this.value(fitted, index, index));
    const added = [
      this.stampSeconds,
      this.stampTime,
      'false',
      ...(this.table.primaryKey.length === 0 ? [contentHash(columns.map((index) => textOf(fitted, index)))] : []),
    ];
    const names = [...this.table.columns.map((column) => quoted(column.name)), ...this.addedNames()];
    const rows = `(${names.join(', ')}) SELECT ${[...values, ...added].join(', ')} FROM ${sourceOf(fitted)}`;
    const isPlain = this.table.primaryKey.length > 0 && values.every((value, index) => value === `c${index}`);
    return this.statement(rows, into, isPlain);
  }

  /** SQL for a value of the batch's column `index`, which is the table's column `at`. */
  private value(fitted: FittedBatch, index: number, at: number): string {
    if (fitted.rows !== undefined && fitted.rows.types[index] !== 'VARCHAR') return `c${index}`;
    return this.cast(at, textOf(fitted, index), fitted.forms[index] ?? 'plain');
  }

  /** SQL for a value of a column, from SQL for its text. */
  private cast(index: number, text: string, form: ValueForm): string {
    const stored = this.storedTypes[index] ?? 'VARCHAR';
    const value = castExpression(text, stored, form);
    return stored === 'VARCHAR' && this.isDecimalKey(index) ? withoutTrailingZeros(value) : value;
  }

  /** A key is found again by its text where it is stored as text: one number must have one. */
  private isDecimalKey(index: number): boolean {
    const column = this.table.columns[index];
    return column !== undefined && isDecimal(column.type) && this.table.primaryKey.includes(column.name);
  }

  private addedNames(): string[] {
    return [
      'sync_timestamp',
      '_fivetran_synced',
      '_fivetran_deleted',
      ...(this.table.primaryKey.length === 0 ? ['_fivetran_id'] : []),
    ];
  }
}

function hasDigits({ columns }: PackedBatch): boolean {
  return columns.some(({ binaryKind }) => binaryKind !== undefined);
}

/** With texts in place of digits, where the digits say what the text is. */
function withTexts({ rowCount, columns, bytes }: PackedBatch): PackedBatch {
  const withText = (column: PackedColumn): PackedColumn => {
    if (column.binaryKind === undefined || !hasExactText(column.binaryKind)) return column;
    return new PackedColumn(packValues(column.values()).text, column.rowCount, column.nullable, 'plain', column.known);
  };
  return new PackedBatch(rowCount, columns.map(withText), bytes);
}

/** Identity of a row without a key: its content. Copies of one row are told apart when the load ends. */
function contentHash(texts: readonly string[]): string {
  if (texts.length === 0) return "md5('')";
  return `md5(concat_ws(chr(31), ${texts.map((text) => `coalesce(${text}, chr(29))`).join(', ')}))`;
}
