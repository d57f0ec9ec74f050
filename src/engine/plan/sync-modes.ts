/** How each table's changes are found, and why: decided before anything is read. */
import type { SyncMode, TableState } from '../../model/sync-state';
import type { TableSchema, ThroughRoot } from '../../model/table';
import { type KeyCandidate, HIDDEN_SECONDS } from '../../postgres/catalog';
export type ModeSetting = SyncMode | 'auto';

/** What the user may say about one table; see `table_options`. */
export interface TableOptions {
  readonly mode?: ModeSetting;
  readonly replicationKey?: string;
}

export interface ModeDecision {
  readonly mode: SyncMode;
  /** One phrase, for the plan. */
  readonly reason: string;
  readonly replicationKey: string | null;
}

export interface ModeInput {
  readonly table: TableSchema;
  readonly setting: ModeSetting;
  readonly options: TableOptions;
  readonly candidates: readonly KeyCandidate[];
  /** Rows of one batch: what fits into one is read whole. */
  readonly batchRows: number;
  /** Rules may drop or rewrite rows in ways that changes alone do not show. */
  readonly keysMayChange: boolean;
}

const THROUGH_ROOT: Readonly<Record<ThroughRoot, string>> = {
  privileges: 'the role may read its partitions through it only, without ranges',
  'row-security': 'row-level security lets its partitions be read through it only, without ranges',
  hypertable: 'a hypertable is read through its root, without ranges',
  'virtual-column':
    'a partition has another expression for a virtual column, so it is read through its root, without ranges',
  'unknown-child': 'it has a child that the catalog does not describe, so it is read through its root, without ranges',
};

const FROM_BEFORE = `from ${HIDDEN_SECONDS / 60} minutes before, since logical replication brings rows late`;

/** Names that say by convention when a row was last changed, without case and underscores. */
const UPDATE_COLUMNS: ReadonlySet<string> = new Set([
  'updatedat',
  'modifiedat',
  'lastmodified',
  'lastmodifiedat',
  'lastupdated',
  'lastupdatedat',
  'changedat',
  'updatetime',
  'updateddate',
  'modifieddate',
]);

export function decideMode(input: ModeInput): ModeDecision {
  const { table, options } = input;
  const setting = options.mode ?? (options.replicationKey === undefined ? input.setting : 'timestamp');
  const full = (reason: string): ModeDecision => ({ mode: 'full', reason, replicationKey: null });
  if (setting === 'full') return full('configured');
  const obstacle = whyOnlyFull(input);
  if (obstacle !== undefined) return full(setting === 'auto' ? obstacle : `${setting} is configured, but ${obstacle}`);
  const transactionIds = (reason: string): ModeDecision =>
    table.relations.every((relation) => relation.rangeReadable)
      ? { mode: 'xmin', reason, replicationKey: null }
      : full(table.throughRoot === undefined ? 'its rows cannot be read by ranges' : THROUGH_ROOT[table.throughRoot]);
  if (setting === 'xmin') return transactionIds('configured');
  const named = options.replicationKey;
  const late = table.subscribed === true ? `, ${FROM_BEFORE}` : '';
  if (named !== undefined) {
    return input.candidates.some(({ column }) => column === named)
      ? { mode: 'timestamp', reason: `by ${named}, as configured${late}`, replicationKey: named }
      : full(`its replication key ${named} is no column of type date or timestamp`);
  }
  if (setting === 'auto' && table.estimatedRows <= input.batchRows) return full('small enough to be read whole');
  if (setting === 'auto' && table.policiesLookElsewhere === true)
    return full('its row-level security asks functions or other tables, whose answers change without its rows');
  if (setting === 'auto' && table.subscribed === true)
    return transactionIds('logical replication brings its rows, with update times of long ago');
  const key = input.candidates.find(
    ({ column, indexed, nullFraction }) => isUpdateColumn(column) && indexed && nullFraction === 0,
  );
  if (key !== undefined)
    return {
      mode: 'timestamp',
      reason: `${key.column} is indexed and without NULLs${late}`,
      replicationKey: key.column,
    };
  return setting === 'timestamp'
    ? transactionIds('timestamp is configured, but there is no indexed update column')
    : transactionIds('no indexed update column');
}

function whyOnlyFull(input: ModeInput): string | undefined {
  if (input.table.primaryKey.length === 0) return 'it has no primary key';
  if (input.table.kind === 'materialized_view') return 'a refresh replaces its rows';
  if (input.keysMayChange) return 'transformations rewrite its key or run in JavaScript';
  return undefined;
}

export function isUpdateColumn(name: string): boolean {
  return UPDATE_COLUMNS.has(name.toLowerCase().replaceAll('_', ''));
}

/** What a pass reads. */
export type Pass =
  | { readonly kind: 'load' }
  | {
      readonly kind: 'changes';
      /** keys: no rows are read, keys are compared only. */
      readonly mode: 'xmin' | 'timestamp' | 'keys';
      /** Deleted rows may be many, and nothing else would show them: keys are compared at the end. */
      readonly reconcile: boolean;
    };

export interface PassDecision {
  readonly pass: Pass;
  /** A sentence for the log, where something other than the usual happens. */
  readonly notice: { readonly level: 'info' | 'warning'; readonly message: string } | undefined;
}

export interface PassInput {
  readonly decision: ModeDecision;
  readonly state: TableState | null;
  readonly signature: string;
  readonly source: string;
  readonly fullResync: boolean;
  readonly hasKey: boolean;
  /** Rules leave out rows: one that changes so that it is left out would not be read, and stay as it was. */
  readonly filtersRows: boolean;
  /** Only deleted rows are looked for. */
  readonly keysOnly: boolean;
  /** Compare keys at every so many passes; 0: never. */
  readonly reconcileEvery: number;
  /** See `Destination.comparesKeys`. */
  readonly comparesKeys: boolean;
}

const LOAD: Pass = { kind: 'load' };

/** Whether the changes since the last pass suffice, or everything must be read. */
export function decidePass(input: PassInput): PassDecision {
  const { decision, state, signature, source } = input;
  const load = (message?: string, level: 'info' | 'warning' = 'warning'): PassDecision => ({
    pass: LOAD,
    notice: message === undefined ? undefined : { level, message },
  });
  if (state?.lastSyncedAt == null) return load();
  if (input.fullResync) return load('is loaded from the start, as asked', 'info');
  // A load that began goes on, whatever the mode.
  if (state.load !== null) return load();
  if (state.signature !== null && state.signature !== signature) {
    // Whoever found the difference says what it is (engine/plan/schema-drift).
    return load();
  }
  if (input.keysOnly && input.hasKey)
    return { pass: { kind: 'changes', mode: 'keys', reconcile: true }, notice: undefined };
  if (decision.mode === 'full') return load();
  if (state.source !== source) {
    return load(
      'comes from another server than at the last sync, or from one that was restored, upgraded or promoted; it is loaded from the start',
    );
  }
  if (decision.mode === 'timestamp' && (state.replicationKey !== decision.replicationKey || state.watermark === null)) {
    return load(`has no watermark of ${decision.replicationKey ?? ''} yet; it is loaded from the start`, 'info');
  }
  if (decision.mode === 'xmin' && state.xmin === null) return load();
  const due = input.filtersRows || (input.reconcileEvery > 0 && state.passesSinceReconcile + 1 >= input.reconcileEvery);
  if (due && !input.comparesKeys)
    return load('is loaded from the start, which finds rows that were deleted or left out since as well', 'info');
  return { pass: { kind: 'changes', mode: decision.mode, reconcile: due }, notice: undefined };
}

/** age() compares 32 bits: beyond this distance old and new cannot be told apart. A margin is kept. */
const MAX_XID_DISTANCE = 2n ** 31n - 10_000_000n;

export function xidsComparable(since: string, now: string): boolean {
  const distance = BigInt(now) - BigInt(since);
  return distance >= 0n && distance < MAX_XID_DISTANCE;
}
