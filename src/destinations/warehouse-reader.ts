/** What a person may ask of a destination that keeps rows, without changing anything in it. */
export interface QueryColumn {
  readonly name: string;
  /** As the destination calls it: `DECIMAL(12,2)`. */
  readonly type: string;
}

export interface QueryResult {
  readonly columns: readonly QueryColumn[];
  /** Exact texts, a row each; bytes as `\x…` in hexadecimal. To be read once, to its end or to where it is left. */
  readonly rows: AsyncIterable<readonly (string | null)[]>;
}

export interface ListedTable {
  readonly schema: string;
  readonly name: string;
  /** Those marked deleted included. */
  readonly rows: number;
  /** About what it takes in storage; null where that is not known. */
  readonly bytes: number | null;
}

export interface WarehouseReader {
  /** One statement that reads. Rejects with kind `configuration` where it is wrong or would change something. */
  query(sql: string): Promise<QueryResult>;
  /** All tables, those of users included, without the connector's own. */
  tables(): Promise<readonly ListedTable[]>;
  /** Ends the statement that runs, with an error. */
  interrupt(): void;
  close(): Promise<void>;
}
