/** One sync in this process, with its log lines. */
import type { Finding } from '../../src/app/check/finding';
import { runChecks } from '../../src/app/check/run-checks';
import { createDestination } from '../../src/destinations/registry';
import { runSync, type RunContext } from '../../src/app/sync-run';
import type { Settings } from '../../src/config/settings';
import type { Destination } from '../../src/destinations/destination';
import type { SyncObserver, SyncReport, TableReport } from '../../src/model/report';
import type { Pressure } from '../../src/model/resources';
import { Session } from '../../src/postgres/connection/session';
import type { TestDatabase } from '../helpers/postgres';
import { settingsFor } from '../helpers/settings';

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its session below
const { query, queryRepeated } = Session.prototype;

export const CALM: Pressure = { memoryPercent: 20, memoryAvailableBytes: 4e9, cpuPercent: 20, diskPercent: 20 };

/** By default, so that what a test sees does not depend on how busy its machine is. */
export const UNMOVED = { pressure: { read: () => CALM }, roundTripMs: 0 } as const;

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
  /** Changes are read when the warehouse is ready for them, and not meanwhile. */
  readonly changesAfterBeginning?: boolean;
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
  const begun = context.changesAfterBeginning === true ? holdUntilBegun() : undefined;
  const report = await runSync(all, {
    logger,
    signal: new AbortController().signal,
    ...UNMOVED,
    destination: withHooks(createDestination(all, CALM.memoryAvailableBytes, logger), context, begun?.resolve),
    ...context,
    observer: { ...context.observer, ...held?.observer },
  }).finally(() => {
    held?.restore();
    begun?.restore();
  });
  const failures = Object.fromEntries(
    report.tables.flatMap((table: TableReport) =>
      table.error === undefined ? [] : [[table.key, table.error.describe()]],
    ),
  );
  return { report, lines, failures };
}

/** What `check` finds about `item`; nothing where that is not worth a line. */
export async function found(
  database: TestDatabase,
  settings: Partial<Settings>,
  item: string,
): Promise<readonly Finding[]> {
  const configuration = { path: database.folder, error: undefined, warnings: [] };
  const signal = new AbortController().signal;
  const findings = await runChecks(settingsFor(database, settings), configuration, signal, () => undefined);
  return findings.filter((finding) => finding.item === item);
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

/** Makes every reading of a range wait for `resolve`. */
function holdUntilBegun(): { readonly resolve: () => void; readonly restore: () => void } {
  let resolve = (): void => undefined;
  const begun = new Promise<void>((settle) => (resolve = settle));
  const spy = jest.spyOn(Session.prototype, 'queryRepeated');
  spy.mockImplementation(async function (this: Session, ...parameters) {
    // A pass begins with its first row, so the statement that brings it must not wait for ever.
    await Promise.race([begun, new Promise((settle) => setTimeout(settle, 200))]);
    // The writer takes note of it after the destination.
    await new Promise(setImmediate);
    return await queryRepeated.apply(this, parameters);
  });
  return { resolve, restore: () => spy.mockRestore() };
}

function withHooks(destination: Destination, hooks: Hooks, begun: () => void = () => undefined): Destination {
  const beginChanges = destination.beginChanges.bind(destination);
  destination.beginChanges = async (...parameters) => {
    await beginChanges(...parameters);
    begun();
  };
  const write = destination.write.bind(destination);
  let batches = 0;
  destination.write = async (...parameters) => {
    batches += 1;
    await hooks.beforeWrite?.(batches);
    await write(...parameters);
  };
  return destination;
}
