import { SyncWatch, type WatchOptions } from '../../../src/observe/sync-watch';
import type { TableReport } from '../../../src/model/report';
import { ConnectorError } from '../../../src/common/errors';

export const PRESSURE = { memoryPercent: 50, memoryAvailableBytes: 1e9, cpuPercent: 30, diskPercent: 10 };

export interface WatchedClock {
  readonly watch: SyncWatch;
  /** Moves the clock on. */
  readonly pass: (seconds: number) => void;
}

export function createWatch(options: Partial<WatchOptions> = {}): WatchedClock {
  let nowMs = 0;
  const watch = new SyncWatch({
    version: '1.2.3',
    source: 'db:5432/shop',
    warehouse: '/data/warehouse.db',
    secrets: [],
    pressure: { read: () => PRESSURE },
    now: () => nowMs,
    rssBytes: () => 100_000_000,
    ...options,
  });
  return { watch, pass: (seconds) => void (nowMs += seconds * 1000) };
}

export function tableReport(key: string, error?: string): TableReport {
  return {
    key,
    destinationTable: key,
    rows: 0,
    seconds: 1,
    ...(error === undefined
      ? {}
      : { error: new ConnectorError(error, { code: 'lost', kind: 'source', hint: 'Look.' }) }),
  };
}
