/** The common types of both encoders: a column of the table on the wire, and a message of its records. */
import type { ColumnType } from '../model/column-type';

export interface WireColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Its place in the batches. */
  readonly index: number;
}

export interface EncodedRecords {
  readonly records: number;
  readonly bytes: Buffer;
}
