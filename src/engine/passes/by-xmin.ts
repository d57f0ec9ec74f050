/**
 * A pass over the rows whose inserting transaction is not older than the last pass's snapshot. It scans every range for
 * them, and counts all rows. It may miss a row that moves between two snapshots of the pass, but the next pass begins
 * at this one's first snapshot and finds it.
 */
import type { RelationMark, TableState } from '../../model/sync-state';
import { unseenFrom, type TableRun } from '../plan';
import type { ChangesEnd } from './changes-end';
import { DeletedRows } from './deleted-rows';
import type { Pass, PassResult } from './pass';
import type { ProcessorOptions } from './processor-options';
import type { CompleteReading, SnapshotReader } from './snapshot-reader';
import { stateIsOld } from './unchanged-tables';

/** The facts that are known when everything has been read under one snapshot. */
type Outcome =
  /** It is proven that nothing has changed: nothing is written, and the state of the last pass stays true. */
  | { readonly kind: 'unchanged' }
  /** `deleted` is the number of rows marked so; undefined where the pass did not look for them. */
  | { readonly kind: 'changed'; readonly deleted: number | undefined }
  /** The table must be loaded from the start. */
  | { readonly kind: 'load' };

export class ByXmin implements Pass {
  private readonly deletedRows: DeletedRows;

  constructor(
    private readonly options: ProcessorOptions,
    private readonly reader: SnapshotReader,
    private readonly end: ChangesEnd,
  ) {
    this.deletedRows = new DeletedRows(options);
  }

  async run(run: TableRun, releaseSlot: () => void): Promise<PassResult | undefined> {
    // Changes are few and applying them twice does no harm, so an earlier attempt is not resumed.
    run.forgetUnlessOpen();
    return await this.readAndFinish(run, releaseSlot);
  }

  /** Also serves a pass by timestamp with too many changes for its index; the run's own conditions hold. */
  async readAndFinish(run: TableRun, releaseSlot: () => void): Promise<PassResult | undefined> {
    const { writer } = this.options;
    // The warehouse counts while the server is read, and before anything is written.
    const counted = this.countBefore(run);
    counted.catch(() => undefined);
    let outcome: Outcome | undefined;
    while (run.readsChanges && run.failure === undefined && outcome === undefined) {
      await this.reader.read(run, async (reading) => {
        outcome = await this.complete(run, reading, await counted);
      });
      await writer.settled();
    }
    if (run.failure !== undefined) throw run.failure;
    if (outcome === undefined || outcome.kind === 'load') return undefined;
    releaseSlot();
    if (outcome.kind === 'unchanged') return { rows: run.committed?.rows ?? 0, changed: 0, deleted: 0 };
    return await this.end.finish(run, outcome.deleted);
  }

  /**
   * Counts what the warehouse holds. Where somebody has added rows or taken some, it may hold as many as the source, and not
   * the same: then all keys are compared.
   */
  private async countBefore(run: TableRun): Promise<number | undefined> {
    const provesByCount = ({ pass }: TableRun): boolean => pass.kind === 'by-xmin' && pass.proof === 'count';
    if (run.loadOpen || !provesByCount(run)) return undefined;
    const held = run.takeHeld() ?? (await this.options.writer.countTables([run]))?.[0];
    // The pass may have become another one meanwhile.
    if (held !== undefined && held !== run.committed?.rows && provesByCount(run))
      run.changePass({ kind: 'by-xmin', proof: 'keys' });
    return held;
  }

  /** `before`: what the warehouse held before anything was written; undefined where that is not known. */
  private async complete(run: TableRun, reading: CompleteReading, before: number | undefined): Promise<Outcome> {
    const { writer } = this.options;
    const { pass } = run;
    if (!('proof' in pass)) return { kind: 'load' };
    const { beginning, sourceRows } = reading;
    const isProvenBy = (held: number | undefined): boolean => held !== undefined && held === sourceRows;
    let held: number | undefined;
    if (!beginning.hasBegun && pass.proof === 'count' && stateStaysTrue(run, reading)) {
      held = before ?? (await this.deletedRows.countHeld(run));
      if (isProvenBy(held)) return { kind: 'unchanged' };
    }
    await beginning.begin();
    await writer.settled();
    if (run.failure !== undefined) throw run.failure;
    if (pass.proof === 'none') return { kind: 'changed', deleted: undefined };
    held ??= await this.deletedRows.countHeld(run);
    // Keys that were taken say it as well, and are then let go.
    if (pass.proof === 'count' && isProvenBy(held) && reading.keys === undefined)
      return { kind: 'changed', deleted: 0 };
    const deleted = await this.deletedRows.mark(run, reading, held, pass.proof === 'keys');
    if (deleted !== undefined) return { kind: 'changed', deleted };
    run.changePass({ kind: 'full-load' });
    await writer.abandon(run);
    return { kind: 'load' };
  }
}

/** Whether the state of the last pass describes the table as it is now, and need not be written again. */
function stateStaysTrue(run: TableRun, { snapshot, beginning }: CompleteReading): boolean {
  const { committed } = run;
  const since = committed === null ? null : unseenFrom(committed);
  if (committed === null || since === null || committed.mode !== run.decision.mode) return false;
  if (committed.description !== run.description) return false;
  // From where on the log is to be read must be known.
  if (run.log !== null) return false;
  return !stateIsOld(since, snapshot.xmin) && sameMarks(committed, beginning.relations);
}

function sameMarks(committed: TableState, relations: readonly RelationMark[]): boolean {
  const fileNodes = new Map(committed.relations.map(({ oid, fileNode }) => [oid, fileNode]));
  return fileNodes.size === relations.length && relations.every(({ oid, fileNode }) => fileNodes.get(oid) === fileNode);
}
