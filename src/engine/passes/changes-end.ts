/** The end that all passes over changes share: keys are compared where that is asked for, then all is committed. */
import type { FinishedLoad } from '../../destinations/destination';
import type { TableRun } from '../plan';
import { finishedState } from './finished-state';
import { KeyComparison } from './key-comparison';
import type { ProcessorOptions } from './processor-options';

export class ChangesEnd {
  private readonly keys: KeyComparison;

  constructor(private readonly options: ProcessorOptions) {
    this.keys = new KeyComparison(options);
  }

  async finish(run: TableRun, comparesKeys: boolean, releaseSlot: () => void): Promise<FinishedLoad> {
    const { writer } = this.options;
    await writer.settled();
    if (run.failure !== undefined) throw run.failure;
    const deleted = comparesKeys ? await this.keys.run(run, () => writer.markMissing(run)) : 0;
    releaseSlot();
    const finished = await writer.finish(run, (result, progress) =>
      finishedState(run, result, progress, progress.firstXmin, comparesKeys),
    );
    return { rows: finished.rows, deleted };
  }
}
