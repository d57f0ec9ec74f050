/** One sync in this process, with its log lines. */
import { createDestination } from '../../src/app/open-destination';
import { runSync, type RunContext } from '../../src/app/sync-run';
import type { Settings } from '../../src/config/settings';
import type { Destination } from '../../src/destination/destination';
import type { SyncObserver, SyncReport, TableReport } from '../../src/model/report';
import type { Pressure } from '../../src/model/resources';
import { Session } from '../../src/source/session';
import type { TestDatabase } from '../helpers/postgres';
import { settingsFor } from '../helpers/settings';

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its session below
const { query } = Session.prototype;

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
  const { beforeReading } = context;
  const held = beforeReading === undefined ? undefined : holdAtReading(beforeReading);
  const report = await runSync(all, {
    logger,
    signal: new AbortController().signal,
    pressure: { read: () => CALM },
    destination: withHooks(createDestination(all, CALM.memoryAvailableBytes, logger), context),
    ...context,
    observer: { ...context.observer, ...held?.observer },
  }).finally(() => held?.restore());
  const failures = Object.fromEntries(
    report.tables.flatMap((table: TableReport) =>
      table.error === undefined ? [] : [[table.key, table.error.describe()]],
    ),
  );
  return { report, lines, failures };
}

/** Makes the first statement after discovery wait for `action`, and every other that comes meanwhile. */
function holdAtReading(action: () => Promise<void>): { readonly observer: SyncObserver; readonly restore: () => void } {
  let acted: Promise<void> | undefined;
  const spy = jest.spyOn(Session.prototype, 'query');
  return {
    observer: {
      planned: () => {
        spy.mockImplementation(async function (this: Session, ...parameters) {
          await (acted ??= action());
          return await query.apply(this, parameters);
        });
      },
    },
    restore: () => spy.mockRestore(),
  };
}

function withHooks(destination: Destination, hooks: Hooks): Destination {
  const write = destination.write.bind(destination);
  let batches = 0;
  destination.write = async (...parameters) => {
    batches += 1;
    await hooks.beforeWrite?.(batches);
    await write(...parameters);
  };
  return destination;
}
