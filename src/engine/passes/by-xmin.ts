/**
 * A pass over the rows whose inserting transaction is not older than the last pass's snapshot. Every range is scanned
 * for them. A row that moves between two snapshots of a pass may be missed by it; the next pass begins at the first
 * snapshot of this one, and finds it.
 */
import type { FinishedLoad } from '../../destinations/destination';
import type { TableRun } from '../plan';
import type { ChangesEnd } from './changes-end';
import type { Pass } from './pass';
import type { ProcessorOptions } from './processor-options';
import type { SnapshotReader } from './snapshot-reader';

export class ByXmin implements Pass {
  constructor(
    private readonly options: ProcessorOptions,
    private readonly reader: SnapshotReader,
    private readonly end: ChangesEnd,
  ) {}

  async run(run: TableRun, releaseSlot: () => void): Promise<FinishedLoad | undefined> {
    // Changes are few and applying them twice does no harm, so nothing of an earlier attempt is gone on with.
    run.forgetUnlessOpen();
    return await this.readAndFinish(run, releaseSlot);
  }

  /** Also serves a pass by timestamp of which too much has changed for its index: the run's own conditions hold. */
  async readAndFinish(run: TableRun, releaseSlot: () => void): Promise<FinishedLoad | undefined> {
    while (run.readsChanges && !run.pendingEmpty && run.failure === undefined) {
      await this.reader.read(run);
      await this.options.writer.settled();
    }
    const { pass } = run;
    if (!('comparesKeys' in pass)) return undefined;
    return await this.end.finish(run, pass.comparesKeys, releaseSlot);
  }
}
