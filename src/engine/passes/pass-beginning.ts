/**
 * Begins a pass in the destination. A load begins at once. A pass over changes begins with the first row that it finds,
 * and is read while the destination prepares: where nothing has changed, nothing is written.
 */
import type { LoadProgress, RelationProgress } from '../../model/sync-state';
import { subtractRange, type TidRange } from '../../model/tid-range';
import type { TableRun } from '../plan';
import type { Writer } from '../write';

export class PassBeginning {
  private started: Promise<void> | undefined;

  constructor(
    private readonly writer: Writer,
    private readonly run: TableRun,
    private progress: LoadProgress,
  ) {}

  /** For a pass that goes on. */
  static begun(writer: Writer, run: TableRun, progress: LoadProgress): PassBeginning {
    const beginning = new PassBeginning(writer, run, progress);
    beginning.started = Promise.resolve();
    return beginning;
  }

  get hasBegun(): boolean {
    return this.started !== undefined;
  }

  /** The work of the pass. */
  get relations(): readonly RelationProgress[] {
    return this.progress.relations;
  }

  /** Resolves when the destination is ready. Batches that are queued after the call are written after it. */
  begin(): Promise<void> {
    if (this.started === undefined) {
      this.started = this.writer.begin(this.run, this.progress, false);
      // The callers that wait for the pass see its failure. A reader that has left must not end the process with an
      // unhandled rejection.
      this.started.catch(() => undefined);
    }
    return this.started;
  }

  /** Nothing in the range has changed, and the pass has not begun yet. */
  nothingIn(relationOid: number, range: TidRange): void {
    const relations = this.progress.relations.map((relation) =>
      relation.oid === relationOid ? { ...relation, pending: subtractRange(relation.pending, range) } : relation,
    );
    this.progress = { ...this.progress, relations };
  }
}
