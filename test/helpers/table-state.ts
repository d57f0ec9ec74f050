import type { LoadProgress, TableState } from '../../src/model/sync-state';

/** The state of a table `public.t` after a complete pass; `changes` replaces some of it. */
export function tableState(changes: Partial<TableState> = {}): TableState {
  return {
    destinationTable: 'source_public_t',
    mode: 'full',
    primaryKey: ['id'],
    lastSyncedAt: '2025-01-01T00:00:00.000Z',
    rows: 3,
    signature: 'abc',
    shape: { oid: 1, columns: [['id', 'integer', 1, '', 0]] },
    source: 'x',
    relations: [],
    xmin: '700',
    replicationKey: null,
    watermark: null,
    passesSinceReconcile: 0,
    load: null,
    ...changes,
  };
}

/** A load that has begun; `changes` replaces some of it. */
export function loadProgress(changes: Partial<LoadProgress> = {}): LoadProgress {
  return {
    startedAt: '2025-01-01T00:00:00Z',
    signature: 'abc',
    source: 'x',
    firstXmin: '7',
    watermark: null,
    snapshots: 1,
    rows: 0,
    relations: [],
    ...changes,
  };
}
