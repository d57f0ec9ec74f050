/** Opens the warehouse for a person's own questions, and waits for a sync that has it, where that is wished for. */
import { ConnectorError } from '../common/errors';
import { sleep } from '../common/retry';
import type { Settings } from '../config/settings';
import { keepsRows } from '../destinations/place';
import { accessTo, readContents } from '../destinations/registry';
import type { WarehouseReader } from '../destinations/warehouse-reader';
import { noWarehouse } from './status';

export type { QueryColumn, QueryResult, WarehouseReader } from '../destinations/warehouse-reader';

export interface ReadingOptions {
  /** Seconds to wait for another process that has the warehouse; 0: not at all. */
  readonly waitSeconds: number;
  readonly signal: AbortSignal;
  /** Called once with who has it. */
  readonly onWaiting: (reason: string) => void;
}

const POLL_SECONDS = 0.5;

/** Rejects with code `warehouse_locked` where the time was not enough. */
export async function withReader<T>(
  settings: Settings,
  options: ReadingOptions,
  action: (reader: WarehouseReader) => Promise<T>,
): Promise<T> {
  const reader = await whenFree(options, async () =>
    keepsRows(settings) ? await accessTo(settings).openReader() : undefined,
  );
  if (reader === undefined) throw noWarehouse(settings);
  const interrupt = (): void => reader.interrupt();
  options.signal.addEventListener('abort', interrupt, { once: true });
  try {
    return await action(reader);
  } finally {
    options.signal.removeEventListener('abort', interrupt);
    await reader.close();
  }
}

export interface WarehouseTable {
  /** `schema.table` of the source; null where it was not synced from one. */
  readonly source: string | null;
  /** Qualified, in the warehouse. */
  readonly table: string;
  /** The rows of a synced table that are not marked deleted. */
  readonly rows: number;
  /** ISO time; null before the first pass has ended. */
  readonly lastSyncedAt: string | null;
  /** About what it takes in storage. */
  readonly bytes: number | null;
}

/** The tables of the warehouse, with what the state says of those that are synced. */
export async function readTables(settings: Settings, options: ReadingOptions): Promise<readonly WarehouseTable[]> {
  const contents = await whenFree(options, () => readContents(settings, 0));
  const states = new Map(
    [...(contents?.states ?? [])].map(([key, state]) => [state.destinationTable, { key, state }] as const),
  );
  const tables = await withReader(settings, options, (reader) => reader.tables());
  return tables.map(({ schema, name, rows, bytes }): WarehouseTable => {
    const known = schema === settings.destinationSchema ? states.get(name) : undefined;
    return {
      source: known?.key ?? null,
      table: `${schema}.${name}`,
      rows: known?.state.lastSyncedAt == null ? rows : known.state.rows,
      lastSyncedAt: known?.state.lastSyncedAt ?? null,
      bytes,
    };
  });
}

async function whenFree<T>({ waitSeconds, signal, onWaiting }: ReadingOptions, open: () => Promise<T>): Promise<T> {
  const until = Date.now() + waitSeconds * 1000;
  for (let first = true; ; first = false) {
    try {
      return await open();
    } catch (error) {
      const locked = error instanceof ConnectorError && error.code === 'warehouse_locked';
      if (!locked || Date.now() >= until) throw error;
      if (first) onWaiting(error.message);
      await sleep(POLL_SECONDS, signal);
    }
  }
}
