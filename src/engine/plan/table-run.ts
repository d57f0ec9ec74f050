/** One table on its way through a sync: what is known of it, and how far it has come. */
import type { DestinationTable } from '../../destinations/destination';
import type { ConnectorError } from '../../common/errors';
import type { PlannedTable } from '../../model/plan';
import type { LoadProgress, TableState } from '../../model/sync-state';
import { tableKey, type Relation } from '../../model/table';
import { subtractRange, type TidRange } from '../../model/tid-range';
import { withoutRows } from './load-claims';
import type { ModeDecision, Pass } from './sync-modes';
import type { TableSelection } from '../rules';

export interface TableRunParts {
  readonly planned: PlannedTable;
  readonly position: number;
  readonly selection: TableSelection;
  readonly destinationTable: DestinationTable;
  readonly signature: string;
  readonly source: string;
  readonly decision: ModeDecision;
  readonly pass: Pass;
  readonly committed: TableState | null;
  /** Nothing of an earlier load is to be used. */
  readonly fresh: boolean;
}

export class TableRun {
  readonly key: string;
  /** Written by the running load, committed or not; null: no load has begun. */
  progress: LoadProgress | null;
  /** As last committed. */
  committed: TableState | null;
  /** The destination holds an open load for it. */
  loadOpen = false;
  /** Counts rollbacks: tasks queued before one must not be written after it. */
  generation = 0;
  /** Why its readers must stop. */
  failure: ConnectorError | undefined;
  rowsSinceCheckpoint = 0;
  /** Of this sync, whatever was rolled back. */
  rowsWritten = 0;
  /** In a pass over changes: relations that were not there at the last one. */
  readWhole: ReadonlySet<number> = new Set();
  /** State of the pass that has ended, until the next one begins. */
  finished: TableState | undefined;
  /** What this sync reads of it; a pass over changes becomes a load where changes turn out not to suffice. */
  pass: Pass;
  planned: PlannedTable;
  readonly position: number;
  readonly selection: TableSelection;
  readonly destinationTable: DestinationTable;
  readonly signature: string;
  /** Who the server is; see postgres/catalog/change-tracking. */
  readonly source: string;
  readonly decision: ModeDecision;
  /** When the load began that an earlier sync has left. */
  private readonly inherited: string | undefined;
  private stop = new AbortController();

  constructor(parts: TableRunParts) {
    this.key = tableKey(parts.planned.table);
    this.planned = parts.planned;
    this.position = parts.position;
    this.selection = parts.selection;
    this.destinationTable = parts.destinationTable;
    this.signature = parts.signature;
    this.source = parts.source;
    this.decision = parts.decision;
    this.pass = parts.pass;
    this.committed = parts.committed;
    this.progress = parts.pass.kind === 'load' && !parts.fresh ? (parts.committed?.load ?? null) : null;
    this.inherited = this.progress?.startedAt;
  }

  /** What was written of the load was written by earlier syncs as well. */
  get ofEarlierSyncs(): boolean {
    return this.progress !== null && this.progress.startedAt === this.inherited;
  }

  /**
   * Whether a load can go on under another snapshot: what was missed can be found by transaction id and
   * put right by key. Without a key, or without ranges, the table is read anew.
   */
  get resumable(): boolean {
    return (
      this.destinationTable.primaryKey.length > 0 &&
      this.planned.readMethod === 'ranges' &&
      !this.selection.keysMayChange
    );
  }

  get pendingEmpty(): boolean {
    return this.progress !== null && this.progress.relations.every((relation) => relation.pending.length === 0);
  }

  /** Ends with the table's failure or the sync's interruption. */
  get stopSignal(): AbortSignal {
    return this.stop.signal;
  }

  advance(relationOid: number, range: TidRange, rows: number): void {
    if (this.progress === null) return;
    this.progress = {
      ...this.progress,
      rows: this.progress.rows + rows,
      relations: this.progress.relations.map((relation) =>
        relation.oid === relationOid ? { ...relation, pending: subtractRange(relation.pending, range) } : relation,
      ),
    };
  }

  /** Partitions have come or gone since discovery. */
  replan(relations: readonly Relation[]): void {
    const { table } = this.planned;
    if (relations === table.relations) return;
    const readMethod = relations.every(({ rangeReadable }) => rangeReadable) ? 'ranges' : 'cursor';
    this.planned = { ...this.planned, readMethod, table: { ...table, relations } };
  }

  /** All of the pass is read, by other means than ranges. */
  nothingPending(): void {
    if (this.progress === null) return;
    this.progress = {
      ...this.progress,
      relations: this.progress.relations.map((relation) => ({ ...relation, pending: [] })),
    };
  }

  /** Stops the table's readers; the attempt ends with `error`. */
  fail(error: ConnectorError): void {
    this.failure ??= error;
    this.stop.abort();
  }

  /** The destination went back to its last commit. */
  rolledBack(error: ConnectorError): void {
    this.generation += 1;
    this.progress = this.pass.kind === 'load' ? (this.committed?.load ?? null) : null;
    this.loadOpen = false;
    this.rowsSinceCheckpoint = 0;
    this.fail(error);
  }

  /** Nothing of what the destination has can be gone on with. */
  startOver(): void {
    this.pass = { kind: 'load' };
    this.progress = null;
  }

  /** Nor does the destination hold any rows of the table that count. */
  giveUpRows(): void {
    this.startOver();
    this.committed = this.committed === null ? null : withoutRows(this.committed);
  }

  /** A new attempt begins. */
  revive(): void {
    this.failure = undefined;
    this.stop = new AbortController();
  }
}
