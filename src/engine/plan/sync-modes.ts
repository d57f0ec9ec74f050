/** Decides how each table's changes are found, and why, before anything is read. */
import type { SyncMode } from '../../model/sync-state';
import { whyNoKey, type TableSchema, type ThroughRoot } from '../../model/table';
import { HIDDEN_SECONDS, type KeyCandidate } from '../../postgres/catalog';

export type ModeSetting = SyncMode | 'auto';

/** The user's options for one table; see `table_options`. */
export interface TableOptions {
  readonly mode?: ModeSetting;
  readonly replicationKey?: string;
}

export interface ModeDecision {
  readonly mode: SyncMode;
  /** One phrase, for the plan. */
  readonly reason: string;
  readonly replicationKey: string | null;
  /** An indexed update column that could be named as replication key, and is not trusted unless it is. */
  readonly untrustedKey?: string;
}

export interface ModeInput {
  readonly table: TableSchema;
  readonly setting: ModeSetting;
  readonly options: TableOptions;
  readonly candidates: readonly KeyCandidate[];
  /**
   * Rows of one batch. Where deleted rows cannot be found otherwise, a table that fits into one batch is read whole.
   */
  readonly batchRows: number;
  /** See `Destination.comparesKeys`. */
  readonly comparesKeys: boolean;
  /** Why the log cannot be asked about the table, as a phrase; undefined: it can. */
  readonly logGap: string | undefined;
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

/** Names that by convention say when a row was last changed, without case and underscores. */
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
  if (obstacle !== undefined && setting === 'auto') return full(obstacle);
  if (obstacle !== undefined)
    return full(`${setting} is configured, but ${(ofView(input, setting) ? input.logGap : undefined) ?? obstacle}`);
  if (setting === 'log' && input.logGap !== undefined) {
    const { mode, reason, replicationKey } = decideMode({ ...input, options: { ...options, mode: 'auto' } });
    return { mode, reason: `log is configured, but ${input.logGap}; ${reason}`, replicationKey };
  }
  if (setting === 'log') return { mode: 'log', reason: 'configured', replicationKey: null };
  if (setting === 'auto' && input.logGap === undefined)
    return { mode: 'log', reason: 'its changes are in the log of our slot', replicationKey: null };
  const transactionIds = (reason: string): ModeDecision =>
    table.relations.every((relation) => relation.rangeReadable)
      ? { mode: 'xmin', reason, replicationKey: null }
      : full(whyNoRanges(table));
  if (setting === 'xmin') return transactionIds('configured');
  const named = options.replicationKey;
  const late = table.subscribed === true ? `, ${FROM_BEFORE}` : '';
  if (named !== undefined) {
    return input.candidates.some(({ column }) => column === named)
      ? { mode: 'timestamp', reason: `by ${named}, as configured${late}`, replicationKey: named }
      : full(`its replication key ${named} is no column of type date or timestamp, or is under a rule of "columns"`);
  }
  if (setting === 'auto' && !input.comparesKeys && table.estimatedRows <= input.batchRows)
    return full('small enough to be read whole');
  if (setting === 'auto' && table.policiesLookElsewhere === true)
    return full('its row-level security asks functions or other tables, whose answers change without its rows');
  if (setting === 'auto' && table.subscribed === true)
    return transactionIds('logical replication brings its rows, with update times of long ago');
  const key = input.candidates.find(
    ({ column, indexed, nullFraction }) => isUpdateColumn(column) && indexed && nullFraction === 0,
  );
  if (key !== undefined && (setting === 'timestamp' || takesLongToScan(table)))
    return {
      mode: 'timestamp',
      reason: `${key.column} is indexed and without NULLs${late}`,
      replicationKey: key.column,
    };
  if (setting === 'timestamp') return transactionIds('timestamp is configured, but there is no indexed update column');
  return key === undefined
    ? transactionIds('finds every change')
    : { ...transactionIds(`finds every change; ${key.column} alone may not`), untrustedKey: key.column };
}

function whyNoRanges({ throughRoot, relations }: TableSchema): string {
  if (throughRoot !== undefined) return THROUGH_ROOT[throughRoot];
  return relations.some(({ withoutSystemColumns }) => withoutSystemColumns === true)
    ? 'the role may read single columns of it, without ctid and xmin (GRANT SELECT (ctid, xmin))'
    : 'its rows cannot be read by ranges';
}

/** Scanning takes about a minute from the disk. Below that size, transaction ids are used, which miss nothing. */
const LONG_SCAN_BYTES = 32 * 2 ** 30;

export function takesLongToScan({ bytes }: TableSchema): boolean {
  return bytes > LONG_SCAN_BYTES;
}

/** The log has more to say of a view than that it has no key. */
function ofView({ table }: ModeInput, setting: ModeSetting): boolean {
  return setting === 'log' && table.kind === 'view';
}

function whyOnlyFull(input: ModeInput): string | undefined {
  if (input.table.primaryKey.length === 0) return whyNoKey(input.table);
  if (input.table.kind === 'materialized_view') return 'a refresh replaces its rows';
  if (input.keysMayChange) return 'transformations rewrite its key or run in JavaScript';
  return undefined;
}

export function isUpdateColumn(name: string): boolean {
  return UPDATE_COLUMNS.has(name.toLowerCase().replaceAll('_', ''));
}
