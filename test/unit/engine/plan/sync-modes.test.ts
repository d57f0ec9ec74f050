import type { TableSchema } from '../../../../src/model/table';
import type { TableState } from '../../../../src/model/sync-state';
import {
  decideMode,
  decidePass,
  isUpdateColumn,
  xidsComparable,
  type ModeInput,
  type PassInput,
} from '../../../../src/engine/plan/sync-modes';

const table: TableSchema = {
  oid: 1,
  schema: 'public',
  name: 't',
  kind: 'table',
  comment: null,
  columns: [],
  primaryKey: ['id'],
  relations: [{ oid: 1, schema: 'public', name: 't', blocks: 10, rows: 100_000, bytes: 1, rangeReadable: true }],
  layout: '',
  rowSecurity: false,
  estimatedRows: 100_000,
  bytes: 1,
};
const updatedAt = { column: 'updated_at', indexed: true, nullFraction: 0 };

function decide(change: Partial<ModeInput> = {}): string {
  const { mode, reason } = decideMode({
    table,
    setting: 'auto',
    options: {},
    candidates: [],
    batchRows: 5000,
    keysMayChange: false,
    ...change,
  });
  return `${mode}: ${reason}`;
}

describe('the mode', () => {
  test.each<[Partial<ModeInput>, string]>([
    [{}, 'xmin: no indexed update column'],
    [{ candidates: [updatedAt] }, 'timestamp: updated_at is indexed and without NULLs'],
    [{ candidates: [{ ...updatedAt, indexed: false }] }, 'xmin: no indexed update column'],
    [{ candidates: [{ ...updatedAt, nullFraction: 0.1 }] }, 'xmin: no indexed update column'],
    [{ candidates: [{ ...updatedAt, nullFraction: null }] }, 'xmin: no indexed update column'],
    [{ candidates: [{ ...updatedAt, column: 'created_at' }] }, 'xmin: no indexed update column'],
    [{ table: { ...table, estimatedRows: 10 } }, 'full: small enough to be read whole'],
    [{ table: { ...table, primaryKey: [] } }, 'full: it has no primary key'],
    [{ table: { ...table, kind: 'materialized_view' } }, 'full: a refresh replaces its rows'],
    [{ keysMayChange: true }, 'full: transformations rewrite its key or run in JavaScript'],
    [{ setting: 'full', candidates: [updatedAt] }, 'full: configured'],
    [{ setting: 'xmin', candidates: [updatedAt] }, 'xmin: configured'],
    [{ setting: 'xmin', table: { ...table, primaryKey: [] } }, 'full: xmin is configured, but it has no primary key'],
    [{ setting: 'timestamp' }, 'xmin: timestamp is configured, but there is no indexed update column'],
    [
      {
        options: { replicationKey: 'created_at' },
        candidates: [{ ...updatedAt, column: 'created_at', indexed: false }],
      },
      'timestamp: by created_at, as configured',
    ],
    [{ options: { replicationKey: 'nope' } }, 'full: its replication key nope is no column of type date or timestamp'],
    [{ options: { mode: 'full' }, setting: 'xmin' }, 'full: configured'],
  ])('%j -> %s', (change, expected) => {
    expect(decide(change)).toBe(expected);
  });

  test('names of update columns, however they are written', () => {
    expect(
      ['updated_at', 'updatedAt', 'UpdatedAt', 'last_modified', 'lastUpdated', 'changed_at'].every(isUpdateColumn),
    ).toBe(true);
    expect(['created_at', 'at', 'update', 'date'].some(isUpdateColumn)).toBe(false);
  });
});

const state: TableState = {
  destinationTable: 't',
  mode: 'xmin',
  primaryKey: ['id'],
  lastSyncedAt: '2024-01-01T00:00:00.000Z',
  rows: 1,
  signature: 'a',
  shape: null,
  source: 's',
  relations: [],
  xmin: '1000',
  replicationKey: null,
  watermark: null,
  passesSinceReconcile: 0,
  load: null,
};

function pass(change: Partial<PassInput> = {}): string {
  const decided = decidePass({
    decision: { mode: 'xmin', reason: '', replicationKey: null },
    state,
    signature: 'a',
    source: 's',
    fullResync: false,
    hasKey: true,
    comparesKeys: true,
    filtersRows: false,
    keysOnly: false,
    reconcileEvery: 0,
    ...change,
  }).pass;
  return decided.kind === 'load' ? 'load' : `${decided.mode}${decided.reconcile ? ' and keys' : ''}`;
}

test.each<[Partial<PassInput>, string]>([
  [{}, 'xmin'],
  [{ state: null }, 'load'],
  [{ state: { ...state, lastSyncedAt: null } }, 'load'],
  [{ signature: 'other' }, 'load'],
  [{ source: 'other' }, 'load'],
  [{ fullResync: true }, 'load'],
  [{ state: { ...state, xmin: null } }, 'load'],
  [{ reconcileEvery: 1 }, 'xmin and keys'],
  [{ reconcileEvery: 3 }, 'xmin'],
  [{ reconcileEvery: 3, state: { ...state, passesSinceReconcile: 2 } }, 'xmin and keys'],
  [{ filtersRows: true }, 'xmin and keys'],
  [{ filtersRows: true, comparesKeys: false }, 'load'],
  [{ keysOnly: true }, 'keys and keys'],
  [{ keysOnly: true, hasKey: false }, 'xmin'],
  [{ decision: { mode: 'full', reason: '', replicationKey: null } }, 'load'],
  [{ decision: { mode: 'timestamp', reason: '', replicationKey: 'u' } }, 'load'],
  [
    {
      decision: { mode: 'timestamp', reason: '', replicationKey: 'u' },
      state: { ...state, replicationKey: 'u', watermark: '2024-01-01' },
    },
    'timestamp',
  ],
])('the pass for %j is %s', (change, expected) => {
  expect(pass(change)).toBe(expected);
});

test('transaction ids are compared only while 32 bits can tell them apart', () => {
  expect(xidsComparable('1000', '1000')).toBe(true);
  expect(xidsComparable('1000', '2000001000')).toBe(true);
  expect(xidsComparable('1000', '2147484000')).toBe(false);
  expect(xidsComparable('2000', '1000')).toBe(false);
});
