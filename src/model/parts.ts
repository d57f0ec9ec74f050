/** A first load that is cut into parts, which many processes read. */
import type { TableState } from './sync-state';

/** Blocks of a table's heap, from the first up to, not including, the last. */
export interface BlockBounds {
  readonly number: number;
  readonly fromBlock: number;
  readonly toBlock: number;
}

/** A part as a job carries it: plain JSON. */
export interface Part extends BlockBounds {
  /** `schema.table` of the source. */
  readonly table: string;
  /** The load that it belongs to; a later load of the table has another one. */
  readonly load: string;
}

/** What the destination keeps of a load in parts from its beginning on. */
export interface PartsLoad {
  readonly load: string;
  /** The generation of the table's state when the load began: the load counts only as long as the state is the same. */
  readonly generation: number;
  /** The table's state with the load, of which the blocks of all parts are pending. */
  readonly state: TableState;
  readonly parts: readonly BlockBounds[];
}

/** The same with what has come since. */
export interface PartsStatus extends PartsLoad {
  /** Parts whose rows have not been committed. */
  readonly toDo: readonly BlockBounds[];
  /** Numbers of parts whose rows are in tables of their own. */
  readonly apart: readonly number[];
  /** Rows that are committed. */
  readonly rows: number;
}
