/**
 * Finds the tables of a source that a sync must read, and proves of the others that they have not changed.
 *
 * What concerns the source as a whole is done here as well: the schema of the destination becomes this source's, renamed
 * tables get their new names, and the tables that all syncs of the source add to are made. So those who sync single
 * tables at the same time have nothing in common that they would write.
 */
import type { ConnectorError } from '../common/errors';
import type { Settings } from '../config/settings';
import { findUnchanged } from '../engine/passes';
import { describeTables, type TableRun } from '../engine/plan';
import type { Destination } from '../destinations/destination';
import { combineObservers } from './combine-observers';
import { Lifecycle } from './lifecycle';
import { openSync } from './open-sync';
import type { RunContext } from './run-context';
import { RunRecorder } from './run-recorder';
import { planTables } from './sync-run';

export interface TableWork {
  /** `schema.table` */
  readonly key: string;
  /** Pages of 8 kB of all its relations. */
  readonly blocks: number;
  /** It has never been synced whole. */
  readonly firstLoad: boolean;
}

export interface SourceWork {
  readonly tables: readonly TableWork[];
  /** Tables that are proven to be as they were. */
  readonly unchanged: number;
  /** By table: why it cannot be read. */
  readonly leftOut: ReadonlyMap<string, ConnectorError>;
  /** The log of the source is followed: one sync reads it for all tables. */
  readonly followsLog: boolean;
}

export async function findWork(settings: Settings, context: RunContext): Promise<SourceWork> {
  const lifecycle = new Lifecycle();
  const recorder = new RunRecorder(settings.password === undefined ? [] : [settings.password], context.logger);
  const observer = combineObservers(recorder.observer, context.observer);
  try {
    const opened = await openSync(lifecycle, settings, { ...context, observer }, recorder);
    const { manager, destination, states } = opened;
    const { runs, leftOut, log } = await planTables(opened, settings, { ...context, observer });
    if (states.size === 0) await makeSharedTables(destination);
    await destination.commit();
    const countTables = async (asked: readonly TableRun[]): Promise<readonly number[] | undefined> =>
      await destination.countRows?.(asked.map(({ destinationTable }) => destinationTable));
    const { logger, signal } = context;
    const unchanged =
      log === undefined
        ? await findUnchanged(runs, { manager, writer: { countTables, countsStay: false }, logger, signal })
        : new Set<string>();
    const failed = [...leftOut].map(([key, error]) => ({ key, destinationTable: '', rows: 0, seconds: 0, error }));
    recorder.ended({ tables: failed });
    const tables = runs.filter(({ key }) => !unchanged.has(key)).map(workOf);
    return { tables, unchanged: unchanged.size, leftOut, followsLog: log !== undefined };
  } catch (error) {
    recorder.failed(error);
    throw error;
  } finally {
    await lifecycle.close();
  }
}

function workOf(run: TableRun): TableWork {
  const { relations } = run.planned.table;
  return {
    key: run.key,
    blocks: relations.reduce((sum, { blocks }) => sum + blocks, 0),
    firstLoad: run.committed?.lastSyncedAt == null,
  };
}

/** Two syncs that make the same table at the same time would stand in each other's way. */
async function makeSharedTables(destination: Destination): Promise<void> {
  const startedAt = new Date();
  for (const { table, batch } of describeTables([], startedAt)) await destination.append(table, batch, { startedAt });
}
