/**
 * All of a table, read again from the source, and the end of a load that was interrupted. A table without a key whose
 * content is the same is not read.
 *
 *   begin ──> read under a snapshot ──> (snapshot lost, too old, connection expired: again, the rest)
 *         └─> all in one statement          └─> more than one snapshot: catch up, drop what is gone
 *                                                     └──> finish: the load takes the table's place
 *
 * Reading ranges under several snapshots alone would miss rows: an update moves a row, perhaps from a range
 * not yet read to one already read. Every such row carries a transaction id at or after the first snapshot's
 * xmin. So the catch-up pass reads just those, under one snapshot, and replaces what the load has under
 * their keys. Rows deleted in between are found by comparing keys, under the same snapshot. After both, the
 * load is the table as of that last snapshot. Tables without a key are read under a single one, or anew.
 */
import { counted } from '../../common/counted';
import { ConnectorError } from '../../common/errors';
import type { LoadProgress } from '../../model/sync-state';
import { isKnownSource } from '../../postgres/catalog';
import type { TableRun } from '../plan';
import { CatchUp } from './catch-up';
import { finishedState } from './finished-state';
import { refuseManyDeletes } from './deletes-guard';
import type { Pass, PassResult } from './pass';
import type { ProcessorOptions } from './processor-options';
import { stateOfSameContent } from './same-content';
import { readAtOnce } from './single-statement';
import type { SnapshotReader } from './snapshot-reader';

export class FullLoad implements Pass {
  private readonly catchUp: CatchUp;

  constructor(
    private readonly options: ProcessorOptions,
    private readonly reader: SnapshotReader,
  ) {
    this.catchUp = new CatchUp(options);
  }

  async run(run: TableRun, releaseSlot: () => void): Promise<PassResult> {
    const { writer } = this.options;
    const same = await stateOfSameContent(run, this.options);
    if (same !== undefined) {
      releaseSlot();
      await writer.keep(run, same);
      return { rows: same.rows, changed: 0, deleted: 0 };
    }
    await this.abandonWhatCannotGoOn(run);
    let xmin = await readAtOnce(run, this.options);
    while (!run.pendingEmpty) {
      await this.reader.read(run);
      await writer.settled();
      rethrow(run);
    }
    let expectedRows = run.progress?.rows;
    // A load that had read everything when it was interrupted shows an old moment, too.
    if (run.progress !== null && (run.progress.snapshots > 1 || !run.loadOpen)) {
      ({ xmin, rows: expectedRows } = await this.catchUp.run(run));
    }
    await writer.settled();
    rethrow(run);
    const { committed, progress } = run;
    if (committed?.lastSyncedAt != null && progress !== null && this.options.writer.comparesKeys)
      refuseManyDeletes(run, committed.rows, progress.rows, this.options.maxDeletesPercent);
    // Everything is read, so another table may have the connection while this one is written.
    releaseSlot();
    const finished = await writer.finish(run, (result, progress) =>
      finishedState(run, result, progress, {
        xmin: xmin ?? progress.firstXmin,
        changed: result.rows,
        deleted: result.deleted,
      }),
    );
    if (expectedRows !== undefined && finished.rows !== expectedRows && !run.destinationTable.keysMayRepeat) {
      throw new ConnectorError(
        `${run.key}: ${counted(expectedRows, 'row')} should be in the destination, but it counts ${finished.rows}.`,
        { code: 'rows_lost', kind: 'internal' },
      );
    }
    return { ...finished, changed: finished.rows };
  }

  private async abandonWhatCannotGoOn(run: TableRun): Promise<void> {
    if (run.progress === null) return;
    const obstacle = whyAnew(run, run.progress);
    if (obstacle !== undefined)
      this.options.logger.warning(`${run.key} ${obstacle} since its load began; it is read from the start.`);
    if (obstacle !== undefined || !run.resumable) await this.options.writer.abandon(run);
  }
}

function rethrow(run: TableRun): void {
  if (run.failure !== undefined) throw run.failure;
}

/** Whether the table is read from the start, rather than resumed or read by its changes. */
export function beginsAnew(run: TableRun): boolean {
  if (run.readsChanges) return false;
  return run.progress === null || !run.resumable || whyAnew(run, run.progress) !== undefined;
}

/** Why a load cannot be resumed, as the rest of a sentence. Transaction ids mean nothing to another server. */
export function whyAnew(run: TableRun, progress: LoadProgress): string | undefined {
  if (progress.signature !== run.signature) return 'was altered';
  if (!isKnownSource(run.source)) return 'may have come to another server, which cannot be known,';
  if (progress.source !== run.source) return 'has come to another server, or to one that was restored or promoted,';
  return undefined;
}
