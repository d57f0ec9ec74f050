/** One table on its way to the stream: which columns are sent, in which form, and which rows so far. */
import type { DestinationTable, LoadStamp } from '../destinations/destination';
import { fitColumn } from '../destinations/duckdb';
import { PackedBatch, type PackedColumn } from '../model/packed-batch';
import type { ColumnType } from '../model/column-type';
import { RecordEncoder } from './record-encoder';
import type { EncodedRecords, WireColumn } from './wire-records';
import { SentKeys } from './sent-keys';
import { timeEntry } from './value-writers';
import { describeTable, TIME_COLUMN, type NamedTable, type SecondsType } from './wire-schema';
import { Bytes } from './wire-buffer';
import type { WireName } from './wire-names';

export interface StreamedTableOptions {
  readonly table: DestinationTable;
  readonly name: WireName;
  readonly includesColumn: (column: string) => boolean;
  /** Columns that are sent as STRING since an earlier batch or Update. */
  readonly widened: ReadonlySet<string>;
  readonly secondsType: SecondsType;
  readonly warn: (message: string) => void;
}

export class StreamedTable {
  /** Rows of the running load that this Update and earlier ones have sent. */
  rows = 0;
  deleted = 0;
  sentKeys = new SentKeys();
  existingKeys: Set<string> | undefined;
  private columns: readonly WireColumn[];
  private encoder: RecordEncoder;
  private constants = NOTHING;
  private readonly nulled = new Set<string>();

  constructor(private readonly options: StreamedTableOptions) {
    const { table } = options;
    this.columns = table.columns
      .map(({ name, type }, index) => ({ name, type: options.widened.has(name) ? asText(type) : type, index }))
      .filter(({ name }) => table.primaryKey.includes(name) || options.includesColumn(name));
    this.encoder = this.createEncoder();
  }

  get table(): DestinationTable {
    return this.options.table;
  }

  get name(): WireName {
    return this.options.name;
  }

  /** `sync_timestamp` of the next rows. */
  stamp(stamp: LoadStamp): void {
    if (!this.options.includesColumn(TIME_COLUMN)) return;
    this.constants = timeEntry(TIME_COLUMN, stamp.startedAt.getTime() / 1000, this.options.secondsType);
  }

  /** The table as it is sent: with the selected columns and their present types. */
  describe(): NamedTable {
    const { table, name, secondsType } = this.options;
    return describeTable({ columns: this.columns, primaryKey: table.primaryKey }, name, secondsType);
  }

  /**
   * Columns that must become text for this batch. The wire's decimals have neither NaN nor infinity, nor more digits
   * than a destination's 38, and its dates have no infinity. The choice is kept: the caller announces the new types
   * before it sends.
   */
  widen(batch: PackedBatch): readonly string[] {
    const names: string[] = [];
    const widened = this.columns.map((column): WireColumn => {
      const packed = batch.columns[column.index];
      const reason = packed === undefined ? undefined : this.whyText(column, packed);
      if (reason === undefined) return column;
      this.options.warn(`Column ${column.name} of ${this.table.key} is sent as STRING from now on: ${reason}.`);
      names.push(column.name);
      return { ...column, type: { kind: 'string' } };
    });
    if (names.length === 0) return names;
    this.columns = widened;
    this.encoder = this.createEncoder();
    return names;
  }

  private whyText({ name, type }: WireColumn, packed: PackedColumn): string | undefined {
    if (isDecimal(type)) {
      const fit = fitColumn(type, WIDEST_DECIMAL, packed);
      return fit.fits === false && fit.needs === 'text' ? fit.reason : undefined;
    }
    // Outside of a key such a date becomes NULL. In a key, different rows would become one.
    const { primaryKey } = this.table;
    const identifies = primaryKey.length === 0 || primaryKey.includes(name);
    if (!identifies || !isDate(type) || !UNREPRESENTABLE.test(packed.text)) return undefined;
    const place = primaryKey.length === 0 ? 'the table has no key, and the column' : 'it is part of the key, and';
    return `${place} holds dates that Fivetran cannot hold (infinity, or outside of the years 1 to 9999)`;
  }

  upserts(batch: PackedBatch): Generator<EncodedRecords, void, void> {
    return this.encoder.messages(batch, this.constants);
  }

  /** `batch` holds the key columns alone, in the key's order. */
  deletes(batch: PackedBatch): Generator<EncodedRecords, void, void> {
    const columns = this.table.primaryKey.map((key, index): WireColumn => {
      const column = this.columns.find(({ name }) => name === key);
      return { name: key, type: column?.type ?? { kind: 'string' }, index };
    });
    return new RecordEncoder(this.wireTable(), 'delete', columns).messages(batch, NOTHING);
  }

  keysOf(batch: PackedBatch): readonly PackedColumn[] {
    return this.table.primaryKey.flatMap((key) => {
      const index = this.table.columns.findIndex(({ name }) => name === key);
      return batch.columns[index] ?? [];
    });
  }

  private createEncoder(): RecordEncoder {
    return new RecordEncoder(this.wireTable(), 'upsert', this.columns, (column) => {
      if (this.nulled.has(column)) return;
      this.nulled.add(column);
      this.options.warn(
        `Column ${column} of ${this.table.key} holds dates that Fivetran cannot hold (infinity, or outside of the years 1 to 9999); they are sent as NULL.`,
      );
    });
  }

  private wireTable(): { key: string } & WireName {
    return { key: this.table.key, ...this.name };
  }
}

const NOTHING = new Bytes(Buffer.alloc(0));
/** The type that a column without declared precision starts with. */
const WIDEST_DECIMAL = 'DECIMAL(38,0)';
/** In PostgreSQL's words. */
const UNREPRESENTABLE = /infinity| BC|\d{5,}-\d\d-\d\d/;

/** A column that has another type now was not widened. */
function asText(type: ColumnType): ColumnType {
  return isDecimal(type) || isDate(type) ? { kind: 'string' } : type;
}

function isDecimal({ kind }: ColumnType): boolean {
  return kind === 'decimal' || kind === 'decimal-unbounded';
}

function isDate({ kind }: ColumnType): boolean {
  return kind === 'date' || kind === 'timestamp' || kind === 'timestamptz';
}
