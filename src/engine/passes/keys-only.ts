/** A pass that reads no rows. It only finds out which rows are gone. */
import { ConnectorError } from '../../common/errors';
import type { TableRun } from '../plan';
import type { ChangesEnd } from './changes-end';
import { startOfPass } from './pass-preparation';
import { KeyComparison } from './key-comparison';
import type { Pass, PassResult } from './pass';
import type { ProcessorOptions } from './processor-options';

export class KeysOnly implements Pass {
  private readonly keys: KeyComparison;

  constructor(
    private readonly options: ProcessorOptions,
    private readonly end: ChangesEnd,
  ) {
    this.keys = new KeyComparison(options);
  }

  async run(run: TableRun, releaseSlot: () => void): Promise<PassResult> {
    run.forgetUnlessOpen();
    await this.begin(run);
    const deleted = await this.keys.run(run, () => this.options.writer.markMissing(run));
    releaseSlot();
    return await this.end.finish(run, deleted);
  }

  /** The destination prepares as for any pass, and the pass has its time. */
  private async begin(run: TableRun): Promise<void> {
    const { committed } = run;
    if (committed === null)
      throw new ConnectorError(`${run.key} was never synced.`, { code: 'no_state', kind: 'internal' });
    const progress = {
      startedAt: startOfPass(run),
      signature: run.signature,
      source: committed.source ?? run.source,
      firstXmin: committed.xmin ?? '0',
      watermark: committed.watermark,
      snapshots: 1,
      rows: 0,
      relations: committed.relations.map((mark) => ({ ...mark, pending: [] })),
    };
    await this.options.writer.begin(run, progress, false);
  }
}
