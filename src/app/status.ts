/** Reads what the warehouse holds, and how the last syncs went, without a server. */
import { ConnectorError } from '../common/errors';
import type { Settings } from '../config/settings';
import { compileTableFilter, includesKey } from '../config/table-filter';
import { placeOf } from '../destinations/place';
import { accessTo } from '../destinations/registry';
import { readStateFile } from '../destinations/state-file';
import type { RunRecord } from '../model/run-record';
import type { Found, TableState } from '../model/sync-state';

export interface TableStatus {
  /** `schema.table` */
  readonly table: string;
  readonly destinationTable: string | null;
  /** null before the first pass has ended. */
  readonly mode: string | null;
  /** ISO time of the last complete pass; null before the first has ended. */
  readonly lastSyncedAt: string | null;
  /** Those marked deleted not counted. */
  readonly rows: number;
  /** What its last pass found, which may be of before the last sync: one that finds nothing new leaves it as it is. */
  readonly found: Found | null;
  /** ISO time at which a sync last proved it equal to its source (`verify_every`); null: never, or it differed since. */
  readonly provenAt: string | null;
  /** The last proof found it to differ; its next sync loads it in full. */
  readonly differs: boolean;
  readonly replicationKey: string | null;
  readonly watermark: string | null;
  /** In mode xmin: the transaction from which the next pass reads on, 64 bits in decimal. */
  readonly sinceTransaction: string | null;
  /** A load that is running or was interrupted. */
  readonly load: { readonly startedAt: string; readonly rows: number; readonly pendingRanges: number } | null;
  /** The error of its last run, where that failed. */
  readonly lastError: { readonly at: string; readonly message: string } | null;
}

export interface WarehouseStatus {
  readonly warehouse: string;
  readonly bytes: number | null;
  /** The newest copy that readers may open; null where none is published. */
  readonly published: string | null;
  /** Set while a sync has the warehouse open. The rest is then from the state file, without history. */
  readonly lockedBy: string | null;
  readonly tables: readonly TableStatus[];
  /** Tables that were synced once, and that "table_filters" leaves out now. */
  readonly filteredOut: number;
  /** What the replication slot of mode log kept on the disk of the source when a sync last saw it; null: never. */
  readonly slotWal: { readonly at: string; readonly bytes: number } | null;
  /** The newest first. */
  readonly runs: readonly RunRecord[];
}

const SHOWN_RUNS = 10;
/** A table's last error may lie further back than the runs that are shown. */
export const EXAMINED_RUNS = 300;

export async function readStatus(settings: Settings): Promise<WarehouseStatus> {
  try {
    const contents = await accessTo(settings).readContents(EXAMINED_RUNS);
    if (contents === undefined) throw noWarehouse(settings);
    return {
      warehouse: placeOf(settings) ?? settings.warehousePath,
      bytes: contents.bytes,
      published: publishedBy(settings),
      lockedBy: null,
      ...wanted(settings, describeTables(contents.states, contents.runs)),
      slotWal: lastSlotWal(contents.runs),
      runs: contents.runs.slice(0, SHOWN_RUNS),
    };
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.code !== 'warehouse_locked') throw error;
    const document = readStateFile(settings.statePath);
    if (document === undefined) throw error;
    return {
      warehouse: placeOf(settings) ?? settings.warehousePath,
      bytes: null,
      published: publishedBy(settings),
      lockedBy: error.message,
      ...wanted(settings, describeTables(new Map(Object.entries(document.tables)), [])),
      slotWal: null,
      runs: [],
    };
  }
}

function publishedBy(settings: Settings): string | null {
  const { publishPath } = settings;
  return publishPath === undefined ? null : (accessTo(settings).published?.(publishPath)[0] ?? null);
}

function wanted(
  { tableFilters }: Settings,
  all: readonly TableStatus[],
): Pick<WarehouseStatus, 'tables' | 'filteredOut'> {
  const filter = compileTableFilter(tableFilters);
  const tables = all.filter(({ table }) => includesKey(filter, table));
  return { tables, filteredOut: all.length - tables.length };
}

/** Only the newest run is asked: an older one may have had a slot that is gone. */
function lastSlotWal([newest]: readonly RunRecord[]): WarehouseStatus['slotWal'] {
  return newest === undefined || newest.slotWalBytes === null
    ? null
    : { at: newest.startedAt, bytes: newest.slotWalBytes };
}

function describeTables(states: ReadonlyMap<string, TableState>, runs: readonly RunRecord[]): readonly TableStatus[] {
  const errors = lastErrors(runs);
  const known = [...states].map(([key, state]): TableStatus => {
    return {
      table: key,
      destinationTable: state.destinationTable,
      mode: state.lastSyncedAt === null ? null : state.mode,
      lastSyncedAt: state.lastSyncedAt,
      rows: state.rows,
      found: state.found ?? null,
      provenAt: state.proof?.provenAt ?? null,
      differs: state.proof?.differs === true,
      replicationKey: state.replicationKey ?? null,
      watermark: state.watermark ?? null,
      sinceTransaction: state.lastSyncedAt !== null && state.mode === 'xmin' ? state.xmin : null,
      load:
        state.load === null
          ? null
          : {
              startedAt: state.load.startedAt,
              rows: state.load.rows,
              pendingRanges: state.load.relations.reduce((sum, relation) => sum + relation.pending.length, 0),
            },
      lastError: errors.get(key) ?? null,
    };
  });
  // A table that never succeeded has no state, only an error.
  const failed = [...errors].filter(([key]) => !states.has(key));
  return [
    ...known,
    ...failed.map(([key, lastError]): TableStatus => {
      return {
        table: key,
        destinationTable: null,
        mode: null,
        lastSyncedAt: null,
        rows: 0,
        found: null,
        provenAt: null,
        differs: false,
        replicationKey: null,
        watermark: null,
        sinceTransaction: null,
        load: null,
        lastError,
      };
    }),
  ];
}

/** By table, the error of the newest run that dealt with it; none where that run succeeded. */
function lastErrors(runs: readonly RunRecord[]): ReadonlyMap<string, { at: string; message: string }> {
  const seen = new Set<string>();
  const errors = new Map<string, { at: string; message: string }>();
  for (const run of runs) {
    for (const { key, error } of run.tables) {
      if (seen.has(key)) continue;
      seen.add(key);
      if (error !== null) errors.set(key, { at: run.endedAt, message: error });
    }
  }
  return errors;
}

export function noWarehouse(settings: Settings): ConnectorError {
  return new ConnectorError(`There is no warehouse at ${placeOf(settings) ?? settings.warehousePath}.`, {
    code: 'warehouse_missing',
    kind: 'destination',
    hint: 'Run `pgsluice sync` first, or name another file with --warehouse.',
  });
}
