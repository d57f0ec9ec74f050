/** How mode log stands: the slot, the log that it keeps on the source's disk, and which tables it serves. */
import { asConnectorError } from '../../common/errors';
import type { Settings } from '../../config/settings';
import { readContents } from '../../destinations/registry';
import { tableKey } from '../../model/table';
import { dropSlot, readingObstacles, whyNotCovered, type Obstacle, type SlotFacts } from '../../postgres/log';
import type { CatalogReader } from '../read-catalog';
import { readLogSource } from './log-source';
import { muchWal, slotWal } from './retained-wal';

export type { SlotFacts };

export interface LogTableStatus {
  /** `schema.table` */
  readonly table: string;
  readonly covered: boolean;
  /** Why not. */
  readonly reason: string | null;
  /** The statement that helps. */
  readonly remedy: string | null;
}

export interface LogStatus {
  readonly database: string;
  readonly walLevel: string;
  readonly slotName: string;
  readonly publicationName: string;
  readonly slot: SlotFacts | null;
  /** max_slot_wal_keep_size; null: no limit. */
  readonly walLimitBytes: number | null;
  /** ISO time of the last complete pass over the log; null: none yet, or the warehouse could not be looked at. */
  readonly lastLogPassAt: string | null;
  readonly publication: { readonly ours: boolean; readonly owner: string; readonly tables: number } | null;
  /** What is in the way, with what helps. */
  readonly obstacles: readonly Obstacle[];
  /** Warnings about the WAL that is kept. */
  readonly warnings: readonly string[];
  readonly tables: readonly LogTableStatus[];
  /** Slots of other warehouses of this database, with the statement that drops each. */
  readonly otherSlots: readonly (SlotFacts & { readonly drop: string })[];
}

export async function readLogStatus(reader: CatalogReader): Promise<LogStatus> {
  const lastLogPassAt = await lastLogPass(reader.settings);
  const { names, facts, tables, otherwise } = await readLogSource(reader);
  const { server, slot, publication } = facts;
  const wal = slotWal(facts);
  const warning = wal === undefined ? undefined : muchWal(wal);
  return {
    database: server.database,
    walLevel: server.walLevel,
    ...names,
    slot,
    walLimitBytes: server.maxSlotWalKeepBytes < 0 ? null : server.maxSlotWalKeepBytes,
    lastLogPassAt,
    publication:
      publication === null
        ? null
        : { ours: publication.ours, owner: publication.owner, tables: publication.tables.length },
    obstacles: readingObstacles(facts, names),
    warnings: warning === undefined ? [] : [warning],
    tables: [
      ...tables.map((table): LogTableStatus => {
        const gap = whyNotCovered(table, facts);
        return {
          table: tableKey(table),
          covered: gap === undefined,
          reason: gap?.reason ?? null,
          remedy: gap?.remedy ?? null,
        };
      }),
      ...[...otherwise].map(([table, mode]): LogTableStatus => {
        return { table, covered: false, reason: `its mode is ${mode}, as configured`, remedy: null };
      }),
    ],
    otherSlots: facts.otherSlots.map((other) => ({ ...other, drop: dropSlot(other.name) })),
  };
}

/** A status must be had while a sync runs, and of a warehouse that is not there yet. */
async function lastLogPass(settings: Settings): Promise<string | null> {
  try {
    const contents = await readContents(settings, 1);
    const times = [...(contents?.states.values() ?? [])].flatMap(({ mode, lastSyncedAt }) =>
      mode === 'log' && lastSyncedAt !== null ? [lastSyncedAt] : [],
    );
    return times.sort().at(-1) ?? null;
  } catch (error) {
    if (asConnectorError(error).kind !== 'destination') throw error;
    return null;
  }
}
