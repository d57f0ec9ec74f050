import type { FleetStatus } from '../../../src/fleet';

/** Markup, quotes and a line end, as an error of a database may have them. */
export const HOSTILE = '<img src=x onerror="document.title=1">&amp;\'"\n</script>';

/** One source is well, one has failed, one was given up, and one is new. */
export function sampleStatus(more: Partial<FleetStatus> = {}): FleetStatus {
  const round = {
    at: '2026-11-30T10:00:00.000Z',
    tables: 3,
    unchanged: 12,
    rows: 123_456,
    state: 'succeeded',
  } as const;
  const source = {
    schedule: '*/15 * * * *',
    destinationSchema: 'tenant',
    waiting: 0,
    running: 0,
    syncedAsOf: '2026-11-30T10:00:00.000Z',
    lagSeconds: 95,
    lastRound: round,
    failures: [],
    refusals: {},
  };
  return {
    queue: 'host=db.example.com dbname=lake password=***',
    sources: [
      { ...source, name: 'acme' },
      {
        ...source,
        name: 'globex',
        lagSeconds: 7_300,
        lastRound: { ...round, state: 'failed' },
        failures: [
          { at: '2026-11-30T10:01:00.000Z', what: 'public.orders', message: HOSTILE, retried: false },
          { at: '2026-11-30T10:00:30.000Z', what: 'planning', message: 'The source is gone.', retried: true },
        ],
      },
      { ...source, name: 'initech', waiting: 2, refusals: { 'host-1:77': 'password is missing' } },
      { ...source, name: 'umbrella', schedule: null, syncedAsOf: null, lagSeconds: null, lastRound: null, running: 1 },
    ],
    waiting: 2,
    running: 1,
    failed: 1,
    workers: [
      { name: 'host-1:77', live: true, startedAt: '2026-11-30T08:00:00.000Z', seenAt: '2026-11-30T10:02:00.000Z' },
      { name: 'host-2:78', live: false, startedAt: '2026-11-30T07:00:00.000Z', seenAt: '2026-11-30T09:00:00.000Z' },
    ],
    lastMaintenance: { at: '2026-11-30T03:00:05.000Z', summary: 'Rewrote the files of 3 tables.' },
    ...more,
  };
}
