/** Decides when a commit is due: it weighs the rows that an interrupted sync may lose against the cost of a commit. */
import type { Destination } from '../../destinations/destination';
import type { TableRun } from '../plan';

/** Where rows come slowly, an interrupted sync should not lose more than this. */
const MOST_MS = 5 * 60_000;
/**
 * For a client that may leave at any moment: after a table's first batch, then when a quarter of its rows could be
 * lost.
 */
const MOST_LOST_IN_PLACE = 0.25;
const MOST_MS_IN_PLACE = 30_000;

export class CommitPacing {
  private committedAtMs = performance.now();
  private bytes = 0;

  constructor(private readonly destination: Destination) {}

  committed(): void {
    this.committedAtMs = performance.now();
    this.bytes = 0;
  }

  written(bytes: number): void {
    this.bytes += bytes;
  }

  isDue({ rowsSinceCheckpoint, rowsWritten, planned }: TableRun): boolean {
    if (this.destination.commitsOnce === true) return false;
    const sinceMs = performance.now() - this.committedAtMs;
    if (rowsSinceCheckpoint >= planned.checkpointRows || sinceMs > MOST_MS) return true;
    const { loadsInPlace, commitBytes = 0 } = this.destination;
    if (loadsInPlace !== true) return false;
    if (sinceMs > MOST_MS_IN_PLACE) return true;
    // Many tables make a large state, and a commit should not write more state than rows.
    return (
      this.bytes >= commitBytes && rowsSinceCheckpoint >= Math.max(planned.batchRows, rowsWritten * MOST_LOST_IN_PLACE)
    );
  }
}
