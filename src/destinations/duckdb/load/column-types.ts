/** The types that a table's columns have at present: they follow the data where the source does not fix them. */
import { ConnectorError } from '../../../common/errors';
import type { Logger } from '../../../common/logger';
import type { PackedColumn } from '../../../model/packed-batch';
import type { DestinationTable } from '../../destination';
import { castExpression, decimalShape, quoted, type ValueForm } from '../types';
import { isDecimal, storedText, withoutTrailingZeros } from '../verify/postgres-text';
import type { Warehouse } from '../warehouse';
import { changeColumn } from './alter-table';
import { fitColumn } from './column-fit';

const MAX_DIGITS = 38;

export interface ColumnTypesOptions {
  readonly warehouse: Warehouse;
  readonly table: DestinationTable;
  readonly logger: Logger;
  /** Called before a column changes its type. Returns the tables that have the column; `copy` is that of `fit`. */
  readonly beforeChange: (copy: string | undefined) => Promise<readonly string[]>;
}

export class ColumnTypes {
  /** `stored`: DuckDB's names of the types, in the order of the table's columns. */
  constructor(
    private readonly options: ColumnTypesOptions,
    readonly stored: string[],
  ) {}

  /** Makes a column able to hold these values. `copy` is a table that has the column as well, and must follow. */
  async fit(index: number, packed: PackedColumn, copy?: string): Promise<ValueForm> {
    const { warehouse, table } = this.options;
    const column = table.columns[index];
    const stored = this.stored[index];
    if (column === undefined || stored === undefined)
      throw new ConnectorError('A batch has more columns than its table.', { code: 'batch_shape', kind: 'internal' });
    const fit = fitColumn(column.type, stored, packed);
    if (fit.fits === true) return fit.form;
    if (fit.fits === 'ask' && (await isValidJson(warehouse, packed))) return fit.form;
    const tables = await this.options.beforeChange(copy);
    if (fit.fits === 'ask') {
      await this.retype(index, 'VARCHAR', tables, 'it holds JSON that DuckDB does not accept');
    } else if (fit.needs === 'decimal') {
      let digits = fit.shape.integerDigits;
      for (const each of tables) digits = Math.max(digits, await integerDigits(warehouse, each, column.name));
      if (digits + fit.shape.scale > MAX_DIGITS)
        await this.retype(index, 'VARCHAR', tables, `DECIMAL(${MAX_DIGITS}) cannot hold all of its digits`);
      else await this.retype(index, `DECIMAL(${MAX_DIGITS},${fit.shape.scale})`, tables);
    } else {
      await this.retype(index, 'VARCHAR', tables, fit.reason);
    }
    return 'plain';
  }

  /** SQL for a value of a column, from SQL for the decoded one. */
  decoded(index: number, value: string): string {
    return this.options.warehouse.storage.stored(value, this.stored[index] ?? 'VARCHAR');
  }

  /** SQL for a value of a column, from SQL for its text. */
  cast(index: number, text: string, form: ValueForm): string {
    const stored = this.stored[index] ?? 'VARCHAR';
    const value = castExpression(text, stored, form);
    if (stored === 'VARCHAR') return this.isDecimalKey(index) ? withoutTrailingZeros(value) : value;
    return this.options.warehouse.storage.stored(value, stored);
  }

  /**
   * The type that holds the values of a column of several tables, where it has these types in them. `tables` have one of
   * them each.
   */
  async common(index: number, types: readonly string[], tables: readonly string[]): Promise<string> {
    const { warehouse, table } = this.options;
    const [first = 'VARCHAR'] = types;
    if (types.every((type) => type === first)) return first;
    const shapes = types.flatMap((type) => decimalShape(type) ?? []);
    if (shapes.length < types.length) return 'VARCHAR';
    const scale = Math.max(...shapes.map((shape) => shape.scale));
    let digits = 0;
    for (const each of tables)
      digits = Math.max(digits, await integerDigits(warehouse, each, table.columns[index]?.name ?? ''));
    return digits + scale > MAX_DIGITS ? 'VARCHAR' : `DECIMAL(${MAX_DIGITS},${scale})`;
  }

  /** Gives a column of `tables` another type, which holds all of its values. */
  async retype(index: number, type: string, tables: readonly string[], reason?: string): Promise<void> {
    const { warehouse, table, logger } = this.options;
    const name = table.columns[index]?.name ?? '';
    const from = this.stored[index] ?? type;
    const text = storedText(quoted(name), from);
    const value =
      type !== 'VARCHAR'
        ? `CAST(${quoted(name)} AS ${type})`
        : this.isDecimalKey(index)
          ? withoutTrailingZeros(text)
          : text;
    for (const each of tables) await changeColumn(warehouse, each, { column: name, type, value });
    this.stored[index] = type;
    if (reason !== undefined) logger.warning(`Column ${name} of ${table.name} becomes VARCHAR: ${reason}.`);
  }

  /** A key that is stored as text is found by its text, so one number must have only one text. */
  private isDecimalKey(index: number): boolean {
    const { columns, primaryKey } = this.options.table;
    const column = columns[index];
    return column !== undefined && isDecimal(column.type) && primaryKey.includes(column.name);
  }
}

async function integerDigits(warehouse: Warehouse, table: string, column: string): Promise<number> {
  const [row] = await warehouse.rows(`SELECT CAST(max(abs(trunc(${quoted(column)}))) AS VARCHAR) FROM ${table}`);
  const largest = row?.[0];
  return typeof largest === 'string' ? (largest.split('.')[0] ?? '').replace(/^0+/, '').length : 0;
}

async function isValidJson(warehouse: Warehouse, packed: PackedColumn): Promise<boolean> {
  const statement = await warehouse.prepare(
    `CREATE OR REPLACE TEMP TABLE pgsluice_invalid AS SELECT v FROM (SELECT unnest(string_split($1, chr(31))) AS v) WHERE v <> chr(29) AND NOT json_valid(v)`,
  );
  // A CREATE TABLE AS reports no number of rows, so they are counted.
  await warehouse.runPrepared(statement, [packed.text]);
  const [counted] = await warehouse.rows('SELECT count(*) FROM pgsluice_invalid');
  return Number(counted?.[0]) === 0;
}
