/** The end that all passes over changes share: they find deleted rows, then commit everything. */
import type { TableRun } from '../plan';
import { finishedState } from './finished-state';
import type { PassResult } from './pass';
import type { ProcessorOptions } from './processor-options';

export class ChangesEnd {
  constructor(private readonly options: ProcessorOptions) {}

  /** `deleted` is the number of rows that the pass marked so; undefined where it did not look for them. */
  async finish(run: TableRun, deleted: number | undefined): Promise<PassResult> {
    const changed = run.progress?.rows ?? 0;
    const finished = await this.options.writer.finish(run, (result, progress) =>
      finishedState(run, result, progress, { xmin: progress.firstXmin, changed, deleted }),
    );
    return { rows: finished.rows, changed, deleted: deleted ?? 0 };
  }
}
