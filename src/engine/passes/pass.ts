/** What every kind of pass has in common; passes.ts says which object runs which. */
import type { TableRun } from '../plan';

/** What a pass has done. */
export interface PassResult {
  /** Rows that the destination holds now, those marked deleted not counted. */
  readonly rows: number;
  /** Rows that were read and written. */
  readonly changed: number;
  /** Rows that were marked deleted. */
  readonly deleted: number;
}

export interface Pass {
  /**
   * Makes one attempt. `releaseSlot` is called once everything is read, so that another table may use the connection.
   * Resolves with undefined where what has changed cannot be told: the run's pass is then a full load.
   */
  run(run: TableRun, releaseSlot: () => void): Promise<PassResult | undefined>;
}
