/** One sync in this process, with its log lines. */
import { createDestination } from '../../src/app/open-destination';
import { runSync, type RunContext } from '../../src/app/sync-run';
import type { Settings } from '../../src/config/settings';
import type { Destination } from '../../src/destination/destination';
import type { SyncReport, TableReport } from '../../src/model/report';
import type { Pressure } from '../../src/model/resources';
import type { TestDatabase } from '../helpers/postgres';
import { settingsFor } from '../helpers/settings';

/** By default, so that what a test sees does not depend on how busy its machine is. */
export const CALM: Pressure = { memoryPercent: 20, memoryAvailableBytes: 4e9, cpuPercent: 20, diskPercent: 20 };

export interface SyncOutcome {
  readonly report: SyncReport;
  /** `LEVEL message` */
  readonly lines: readonly string[];
  /** Keys of tables that failed, with what was said about them. */
  readonly failures: Readonly<Record<string, string>>;
}

/** What a test does in the middle of a sync, which waits for it. */
export interface Hooks {
  /** After discovery, before the first row is read. */
  readonly beforeReading?: () => Promise<void>;
  /** Before the batch of this number, from 1, of any table is written. */
  readonly beforeWrite?: (batch: number) => Promise<void>;
  readonly onLine?: (line: string) => void;
}

/** Everything each time, unless a test asks for changes only. */
export async function sync(
  database: TestDatabase,
  settings: Partial<Settings> = {},
  context: Partial<RunContext> & Hooks = {},
): Promise<SyncOutcome> {
  const lines: string[] = [];
  const log = (level: string) => (message: string) => {
    lines.push(`${level} ${message}`);
    context.onLine?.(`${level} ${message}`);
  };
  const logger = { debug: log('DEBUG'), info: log('INFO'), warning: log('WARNING'), severe: log('SEVERE') };
  const all = settingsFor(database, { syncMode: 'full', ...settings });
  const report = await runSync(all, {
    logger,
    signal: new AbortController().signal,
    observer: {},
    pressure: { read: () => CALM },
    destination: withHooks(createDestination(all, CALM.memoryAvailableBytes, logger), context),
    ...context,
  });
  const failures = Object.fromEntries(
    report.tables.flatMap((table: TableReport) =>
      table.error === undefined ? [] : [[table.key, table.error.describe()]],
    ),
  );
  return { report, lines, failures };
}

function withHooks(destination: Destination, hooks: Hooks): Destination {
  const append = destination.append.bind(destination);
  const write = destination.write.bind(destination);
  let started = false;
  let batches = 0;
  destination.append = async (...parameters) => {
    // The descriptions of the tables are the first that is written, when all of them are known.
    if (!started) await hooks.beforeReading?.();
    started = true;
    await append(...parameters);
  };
  destination.write = async (...parameters) => {
    batches += 1;
    await hooks.beforeWrite?.(batches);
    await write(...parameters);
  };
  return destination;
}
