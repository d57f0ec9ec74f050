/** What every kind of pass has in common; passes.ts has the object that runs each. */
import type { TableRun } from '../plan';

/** The result of a pass. */
export interface PassResult {
  /** Rows that the destination holds now, without those marked deleted. */
  readonly rows: number;
  /** Rows that were read and written. */
  readonly changed: number;
  /** Rows that were marked deleted. */
  readonly deleted: number;
}

export interface Pass {
  /**
   * Makes one attempt. `releaseSlot` is called once everything is read, so that another table may use the connection.
   * Resolves with undefined where the changes cannot be determined; the run's pass is then a full load.
   */
  run(run: TableRun, releaseSlot: () => void): Promise<PassResult | undefined>;
}
