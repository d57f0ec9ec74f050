/**
 * One sync: open, plan, read and write, report. Each step is a file of its own.
 *
 * This room has the use cases: `sync-run` here, `verify-run`, `status`, `reset`, `forget`, and the folders `check` and
 * `plan`. Each joins engine, source and destination and knows no terminal, so cli and fivetran come in. Start here for a
 * sync, and at `pipeline` for the steps that all of them share: connect, read the catalog, plan.
 */
import { errorFields, interrupted, type ConnectorError } from '../common/errors';
import type { Settings } from '../config/settings';
import { keepsRows } from '../destinations/place';
import type { SyncReport, TableReport } from '../model/report';
import { tableKey } from '../model/table';
import { monotonicClock } from '../postgres/connection';
import { describePlan } from '../engine/plan';
import { tellOfAbsentTables } from './absent-tables';
import { combineObservers } from './combine-observers';
import { planOf } from './discovery';
import { Lifecycle } from './lifecycle';
import { tellOfSlot } from './log/retained-wal';
import { openSync, type OpenSync } from './open-sync';
import { claimSchema } from './origin';
import { decideRuns, type DecidedRuns } from './pipeline';
import { proveTables } from './proofs/prove-tables';
import { renameTables } from './rename-tables';
import type { RunContext } from './run-context';
import { publishCopy } from './publish';
import { RunRecorder } from './run-recorder';
import { SyncMemory } from './sync-memory';
import { TableSync } from './table-sync';

export type { RunContext } from './run-context';

/**
 * Syncs every table once. Tables that fail are in the report; rejects with a ConnectorError where the sync
 * as a whole could not go on. What was committed before stays committed.
 */
export async function runSync(settings: Settings, context: RunContext): Promise<SyncReport> {
  const lifecycle = new Lifecycle();
  const recorder = new RunRecorder(settings.password === undefined ? [] : [settings.password], context.logger);
  const observer = combineObservers(recorder.observer, context.observer);
  let report;
  try {
    report = await syncWithin(lifecycle, settings, { ...context, observer }, recorder);
    recorder.ended(report);
  } catch (error) {
    recorder.failed(error);
    throw error;
  } finally {
    await lifecycle.close();
  }
  if (context.amongOthers !== true) await publishCopy(settings, report, context.logger);
  return report;
}

async function syncWithin(
  lifecycle: Lifecycle,
  settings: Settings,
  context: RunContext,
  recorder: RunRecorder,
): Promise<SyncReport> {
  const clock = context.clock ?? monotonicClock;
  const started = clock();
  const startedAt = new Date();
  const memory = new SyncMemory({
    ownProcess: context.ownProcess === true,
    readingIsTheLimit: context.destination !== undefined || !keepsRows(settings),
  });
  const opened = await openSync(lifecycle, settings, context, recorder);
  const { runs, leftOut, log } = await planTables(opened, settings, context);
  const sync = new TableSync({ settings, context, opened, runs, log, memory });
  const failed = [...leftOut].map(([key, error]) => reportLeftOut(key, error, context));
  const synced = await sync.run(startedAt);
  if (context.signal.aborted)
    throw interrupted('The sync was interrupted; what was committed is kept, and the next sync goes on from there.');
  const reports = await proveTables({ settings, context, opened, runs }, synced);
  sync.logStatus();
  const seconds = (clock() - started) / 1000;
  const tables = [...failed, ...reports];
  if (tables.every((table) => table.error === undefined))
    context.logger.info(`Data extraction completed successfully in ${seconds.toFixed(2)} seconds`, { seconds });
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return { tables, operations: sync.operations, rows, bytes: sync.bytes, seconds };
}

/** Plans the sync, makes the schema of the destination this source's, and tells of both what a user should know. */
export async function planTables(opened: OpenSync, settings: Settings, context: RunContext): Promise<DecidedRuns> {
  const { destination, states, findings, module } = opened;
  const { logger, observer, reconcile, keysOnly, selection } = context;
  const { comparesKeys } = destination;
  const withoutLog = destination.putLogPosition === undefined;
  const discovery = planOf(findings, settings, module, logger, { selection, comparesKeys, withoutLog });
  const { plan, existing } = discovery;
  tellOfSlot(findings.log, observer, logger);
  await claimSchema(destination, settings, discovery);
  const planned = new Set(plan.tables.map(({ table }) => tableKey(table)));
  await tellOfAbsentTables(destination, states, { existing, planned }, logger);
  const notRenamed = await renameTables(destination, states, plan, { settings, logger });
  observer.connected?.(opened.findings.catalog.server);
  observer.planned?.(plan);
  for (const line of describePlan(plan)) logger.info(line);
  const logPosition = discovery.log === undefined ? undefined : await destination.logPosition?.();
  const wishes = { reconcile, keysOnly, selection, comparesKeys, logPosition };
  const decided = decideRuns(discovery, states, { settings, logger }, wishes);
  return {
    ...decided,
    runs: decided.runs.filter(({ key }) => !notRenamed.has(key)),
    leftOut: new Map([...notRenamed, ...decided.leftOut]),
  };
}

function reportLeftOut(key: string, error: ConnectorError, { logger, observer }: RunContext): TableReport {
  logger.severe(`Table ${key} is left out: ${error.describe()}`, { table: key, ...errorFields(error) });
  const report = { key, destinationTable: '', rows: 0, seconds: 0, error };
  observer.tableLeftOut?.(report);
  return report;
}
