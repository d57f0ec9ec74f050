/**
 * One table on its way through a sync: what is known of it, and how far it has come.
 *
 *   planned ── begun ──> open ── wrote, advance ──> open ── ended ──> ended ── committedAs ──> committed
 *
 * `abandoned` forgets an open load, so that the next one begins anew. `rolledBack` takes the table back to its last
 * commit: the attempt has failed, and what was queued for it before must not be written. Only the writer moves a table
 * along this line, in the order of writing; readers watch `failure` and `stopSignal`.
 */
import type { DestinationTable } from '../../destinations/destination';
import type { ConnectorError } from '../../common/errors';
import type { PlannedTable } from '../../model/plan';
import type { LoadProgress, TableLogState, TableState } from '../../model/sync-state';
import { tableKey, type Relation } from '../../model/table';
import { subtractRange, type TidRange } from '../../model/tid-range';
import { withoutRows } from './load-claims';
import type { LoggedAs } from './log-outlook';
import type { PassPlan } from './pass-plan';
import type { ModeDecision } from './sync-modes';
import type { TableSelection } from '../rules';

export interface TableRunParts {
  readonly planned: PlannedTable;
  readonly position: number;
  readonly selection: TableSelection;
  readonly destinationTable: DestinationTable;
  readonly signature: string;
  readonly description: string;
  readonly source: string;
  readonly decision: ModeDecision;
  readonly pass: PassPlan;
  readonly committed: TableState | null;
  /** Nothing of an earlier load may be used. */
  readonly fresh: boolean;
  /** How the log names it; undefined where its changes are found in another way. */
  readonly logged: LoggedAs | undefined;
}

export class TableRun {
  readonly key: string;
  readonly position: number;
  readonly selection: TableSelection;
  readonly destinationTable: DestinationTable;
  readonly signature: string;
  /** Digest of what the metadata tables say about the table. */
  readonly description: string;
  /** The server's identity; see postgres/catalog. */
  readonly source: string;
  readonly decision: ModeDecision;
  /** How the log names it; undefined where its changes are found in another way. */
  readonly logged: LoggedAs | undefined;
  private present: PlannedTable;
  private plannedPass: PassPlan;
  private newRelations: ReadonlySet<number> = new Set();
  private loadProgress: LoadProgress | null;
  private committedState: TableState | null;
  private endedState: TableState | undefined;
  private logMark: TableLogState | null = null;
  private open = false;
  private rollbacks = 0;
  private uncheckpointedRows = 0;
  private writtenRows = 0;
  private heldRows: number | undefined;
  private stopReason: ConnectorError | undefined;
  /** When the load began that an earlier sync has left. */
  private readonly inherited: string | undefined;
  private stop = new AbortController();

  constructor(parts: TableRunParts) {
    this.key = tableKey(parts.planned.table);
    this.present = parts.planned;
    this.position = parts.position;
    this.selection = parts.selection;
    this.destinationTable = parts.destinationTable;
    this.signature = parts.signature;
    this.description = parts.description;
    this.source = parts.source;
    this.decision = parts.decision;
    this.logged = parts.logged;
    this.plannedPass = parts.pass;
    this.committedState = parts.committed;
    this.loadProgress = parts.fresh ? null : this.committedLoad();
    this.inherited = this.loadProgress?.startedAt;
  }

  /** Whether earlier syncs wrote a part of the load. */
  get ofEarlierSyncs(): boolean {
    return this.loadProgress !== null && this.loadProgress.startedAt === this.inherited;
  }

  get planned(): PlannedTable {
    return this.present;
  }

  /**
   * The work that this sync does for the table. A pass over changes becomes a load where changes turn out not to
   * suffice.
   */
  get pass(): PassPlan {
    return this.plannedPass;
  }

  /** Whether the pass upserts changes, rather than gathering a new copy. */
  get readsChanges(): boolean {
    return this.plannedPass.kind !== 'full-load';
  }

  /** The part of the running pass that is written, committed or not; null before it has begun. */
  get progress(): LoadProgress | null {
    return this.loadProgress;
  }

  /** The state as last committed. */
  get committed(): TableState | null {
    return this.committedState;
  }

  /** Whether the destination holds an open pass for the table. */
  get loadOpen(): boolean {
    return this.open;
  }

  /** Counts rollbacks: a task that was queued before one must not be written after it. */
  get generation(): number {
    return this.rollbacks;
  }

  get rowsSinceCheckpoint(): number {
    return this.uncheckpointedRows;
  }

  /** Rows written in this sync, including those that were rolled back. */
  get rowsWritten(): number {
    return this.writtenRows;
  }

  /** Relations that were not there at the last pass: a pass over changes reads them whole. */
  get readWhole(): ReadonlySet<number> {
    return this.newRelations;
  }

  /** Why the table's readers must stop. */
  get failure(): ConnectorError | undefined {
    return this.stopReason;
  }

  /**
   * Whether a load can go on under another snapshot: missed rows can be found by transaction id and put right by key.
   * Without a key, or without ranges, the table is read from the start.
   */
  get resumable(): boolean {
    return (
      this.destinationTable.primaryKey.length > 0 &&
      this.present.readMethod === 'ranges' &&
      !this.selection.keysMayChange
    );
  }

  get pendingEmpty(): boolean {
    return this.loadProgress?.relations.every((relation) => relation.pending.length === 0) ?? false;
  }

  /** Aborts with the table's failure or the sync's interruption. */
  get stopSignal(): AbortSignal {
    return this.stop.signal;
  }

  /** How far the log is known of the table once this pass has ended, for its state. */
  get log(): TableLogState | null {
    return this.logMark;
  }

  /** `position`: snapshots from now on show everything that was committed before. null: none is known to be so. */
  followsLogFrom(position: string | null): void {
    this.logMark = position === null || this.logged === undefined ? null : { position, identity: this.logged.identity };
  }

  /** The destination holds so many rows not marked deleted, until a pass over the table has begun. */
  holds(rows: number | undefined): void {
    this.heldRows = rows;
  }

  /** Gives the rows that `holds` was told, once. */
  takeHeld(): number | undefined {
    const rows = this.heldRows;
    this.heldRows = undefined;
    return rows;
  }

  /** Replaces the plan, under the snapshot that shows why. */
  changePass(pass: PassPlan): void {
    this.plannedPass = pass;
  }

  readRelationsWhole(oids: ReadonlySet<number>): void {
    this.newRelations = oids;
  }

  /** Partitions have come or gone since discovery. */
  replan(relations: readonly Relation[]): void {
    const { table } = this.present;
    if (relations === table.relations) return;
    const readMethod = relations.every(({ rangeReadable }) => rangeReadable) ? 'ranges' : 'cursor';
    this.present = { ...this.present, readMethod, table: { ...table, relations } };
  }

  /** The destination has opened the pass. */
  begun(progress: LoadProgress): void {
    this.heldRows = undefined;
    this.loadProgress = progress;
    this.open = true;
  }

  /** The open load goes on under another snapshot. */
  continued(progress: LoadProgress): void {
    this.loadProgress = progress;
  }

  /** Drops what an earlier attempt had read, unless the destination still holds it. */
  forgetUnlessOpen(): void {
    if (!this.open) this.loadProgress = null;
  }

  /** A batch of so many rows is written. */
  wrote(rows: number): void {
    this.uncheckpointedRows += rows;
    this.writtenRows += rows;
  }

  /** The rows of a range are written. */
  advance(relationOid: number, range: TidRange, rows: number): void {
    if (this.loadProgress === null) return;
    this.loadProgress = {
      ...this.loadProgress,
      rows: this.loadProgress.rows + rows,
      relations: this.loadProgress.relations.map((relation) =>
        relation.oid === relationOid ? { ...relation, pending: subtractRange(relation.pending, range) } : relation,
      ),
    };
  }

  /** All of the pass is read, by other means than ranges. */
  nothingPending(): void {
    if (this.loadProgress === null) return;
    this.loadProgress = {
      ...this.loadProgress,
      relations: this.loadProgress.relations.map((relation) => ({ ...relation, pending: [] })),
    };
  }

  abandoned(): void {
    this.loadProgress = null;
    this.open = false;
  }

  /** The pass has ended in the destination; `state` describes it in the next commit. */
  ended(state: TableState): void {
    this.loadProgress = null;
    this.open = false;
    this.endedState = state;
  }

  /** The state that the next commit records for the table; null where nothing is known of it. */
  stateToCommit(): TableState | null {
    if (this.endedState !== undefined) return this.endedState;
    // A pass over changes that ends early is made again, because applying it twice does no harm.
    if (this.readsChanges) return this.committedState;
    if (this.loadProgress === null && this.committedState === null) return null;
    return { ...(this.committedState ?? this.emptyState()), load: this.loadProgress };
  }

  committedAs(state: TableState | null): void {
    this.committedState = state;
    this.uncheckpointedRows = 0;
  }

  /** Stops the table's readers; the attempt ends with `error`. */
  fail(error: ConnectorError): void {
    this.stopReason ??= error;
    this.stop.abort();
  }

  /** The destination went back to its last commit. */
  rolledBack(error: ConnectorError): void {
    this.rollbacks += 1;
    this.loadProgress = this.committedLoad();
    this.endedState = undefined;
    this.open = false;
    this.uncheckpointedRows = 0;
    this.fail(error);
  }

  /** Nothing that the destination holds can be resumed. */
  startOver(): void {
    this.plannedPass = { kind: 'full-load' };
    this.loadProgress = null;
  }

  /** The destination holds no rows of the table that count, either. */
  giveUpRows(): void {
    this.startOver();
    this.committedState = this.committedState === null ? null : withoutRows(this.committedState);
  }

  /** A new attempt begins. */
  revive(): void {
    this.stopReason = undefined;
    this.stop = new AbortController();
  }

  /** The committed part of a load. Passes over changes begin from the start. */
  private committedLoad(): LoadProgress | null {
    return this.readsChanges ? null : (this.committedState?.load ?? null);
  }

  private emptyState(): TableState {
    return {
      destinationTable: this.destinationTable.name,
      mode: this.decision.mode,
      primaryKey: this.destinationTable.primaryKey,
      lastSyncedAt: null,
      rows: 0,
      signature: null,
      shape: null,
      description: null,
      source: null,
      relations: [],
      xmin: null,
      replicationKey: null,
      watermark: null,
      passesSinceReconcile: 0,
      load: null,
    };
  }
}
