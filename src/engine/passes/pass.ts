/** What every kind of pass has in common; passes.ts says which object runs which. */
import type { FinishedLoad } from '../../destinations/destination';
import type { TableRun } from '../plan';

export interface Pass {
  /**
   * Makes one attempt. `releaseSlot` is called once everything is read, so that another table may use the connection.
   * Resolves with undefined where what has changed cannot be told: the run's pass is then a full load.
   */
  run(run: TableRun, releaseSlot: () => void): Promise<FinishedLoad | undefined>;
}
