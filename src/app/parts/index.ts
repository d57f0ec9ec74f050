/**
 * A large first load in parts, which many processes load into a lake at once: one call begins it, any number of calls load
 * its parts, and one ends it. Each may be repeated, by the same process or another one: what counts is what the lake has
 * committed. engine/passes/load-in-parts says why the result is exact, destinations/ducklake/part-rows how two processes
 * are kept from committing one part.
 */
import type { Part, PartsStatus } from '../../model/parts';
import type { SyncReport } from '../../model/report';
import { PART_APART, PART_SUPERSEDED, type PartsDestination, type PartsWork } from '../../destinations/parts';
import { takesParts } from '../../destinations/registry';
import { ConnectorError } from '../../common/errors';
import { runSync } from '../sync-run';
import { blocksOfPart, canBeCut, cutIntoParts } from './cut';
import { onlyTable, withParts, type OpenParts, type PartsContext } from './open-parts';

export type { Part } from '../../model/parts';
export type { PartsContext } from './open-parts';

/** Not worth it, or not possible: the ordinary sync loads the table. */
const NOT_CUT = { cut: false, parts: [] } as const;

export interface BegunParts {
  /** False: the ordinary sync is to load the table. */
  readonly cut: boolean;
  /** Those that are still to be loaded. */
  readonly parts: readonly Part[];
}

/** Begins the first load of a table in parts, or goes on with one that has begun and still counts. */
export async function beginParts(context: PartsContext, table: string): Promise<BegunParts> {
  if (!takesParts(context.settings)) return NOT_CUT;
  let blocks = Infinity;
  const work = { kind: 'begin', table, cut: (state: PartsStatus['state']) => cutIntoParts(state, blocks) } as const;
  return await withParts(context, work, async (opened) => {
    const { destination, table: run } = opened;
    const existing = await destination.readParts();
    if (run === undefined || !canBeCut(run, context.partBytes)) {
      if (existing !== undefined) await giveUp(destination, existing);
      return NOT_CUT;
    }
    blocks = blocksOfPart(run, context.partBytes);
    if (existing !== undefined) {
      if (await stillCounts(opened, existing)) return { cut: true, parts: toDo(table, existing) };
      await destination.dropParts(existing);
    }
    await opened.lend(run, (load) => load.begin(run));
    const begun = await destination.readParts();
    if (begun === undefined)
      throw new ConnectorError(`The load of ${table} has begun and is not there.`, {
        code: 'no_load',
        kind: 'internal',
      });
    return { cut: true, parts: toDo(table, begun) };
  });
}

/** `done before`: it was committed earlier. `superseded`: the load does not count any more, and nothing was written. */
export type PartOutcome = 'loaded' | 'done before' | 'superseded';

/** Loads one part. */
export async function loadPart(context: PartsContext, part: Part): Promise<PartOutcome> {
  if (!takesParts(context.settings)) return 'superseded';
  const work = { kind: 'load', table: part.table, load: part.load, number: part.number } as const;
  try {
    return await loadWith(context, { ...work, apart: false });
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.code !== PART_APART) throw error;
    return await loadWith(context, { ...work, apart: true });
  }
}

async function loadWith(context: PartsContext, work: PartsWork & { readonly kind: 'load' }): Promise<PartOutcome> {
  const { load, number } = work;
  return await withParts(context, work, async ({ destination, table: run, lend }) => {
    const existing = await destination.readParts();
    if (existing?.load !== load) return 'superseded';
    if (!existing.toDo.some((each) => each.number === number)) return 'done before';
    if (run === undefined) return 'superseded';
    try {
      return (await lend(run, (loading) => loading.load(run))) ? 'loaded' : 'superseded';
    } catch (error) {
      if (error instanceof ConnectorError && error.code === PART_SUPERSEDED) return 'superseded';
      throw error;
    }
  });
}

export type FinishedParts =
  | { readonly outcome: 'finished'; readonly report: SyncReport }
  | { readonly outcome: 'parts missing'; readonly parts: readonly Part[] }
  /** The load was given up: the table was altered or rewritten, or another sync has filled it meanwhile. */
  | { readonly outcome: 'superseded' };

/** Ends a load whose parts are all there, by a sync of the table. */
export async function finishParts(context: PartsContext, table: string): Promise<FinishedParts> {
  if (!takesParts(context.settings)) return { outcome: 'superseded' };
  const ready = await withParts(context, { kind: 'finish', table }, async (opened): Promise<FinishedParts | true> => {
    const { destination, table: run } = opened;
    const existing = await destination.readParts();
    // An earlier call may have come so far.
    if (existing === undefined) {
      const load = run?.progress;
      const isWhole = run !== undefined && (load === null ? run.committed?.lastSyncedAt != null : run.pendingEmpty);
      return isWhole ? true : { outcome: 'superseded' };
    }
    if (run === undefined || !(await stillCounts(opened, existing))) {
      await giveUp(destination, existing);
      return { outcome: 'superseded' };
    }
    if (existing.toDo.length > 0) return { outcome: 'parts missing', parts: toDo(table, existing) };
    await destination.adopt(existing, run.destinationTable);
    return true;
  });
  if (ready !== true) return ready;
  const { settings, run } = context;
  // What was just loaded is not to be loaded from the start.
  const report = await runSync({ ...settings, fullResync: [] }, { ...run, selection: onlyTable(table) });
  return { outcome: 'finished', report };
}

async function stillCounts({ destination, table: run, lend }: OpenParts, existing: PartsStatus): Promise<boolean> {
  const { load } = existing.state;
  if (run === undefined || load === null || !destination.isCurrent(existing)) return false;
  return await lend(run, (loading) => loading.mayGoOn(run, load));
}

async function giveUp(destination: PartsDestination, load: PartsStatus): Promise<void> {
  await destination.dropParts(load);
  await destination.commit();
}

function toDo(table: string, { load, toDo: parts }: PartsStatus): Part[] {
  return parts.map((bounds) => ({ table, load, ...bounds }));
}
