import type { TableSchema } from '../../../../src/model/table';
import { decideMode, isUpdateColumn, type ModeInput } from '../../../../src/engine/plan/sync-modes';

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
    comparesKeys: true,
    keysMayChange: false,
    logGap: 'there is no slot of ours',
    ...change,
  });
  return `${mode}: ${reason}`;
}

describe('the mode', () => {
  test.each<[Partial<ModeInput>, string]>([
    [{}, 'xmin: finds every change'],
    [{ candidates: [updatedAt] }, 'xmin: finds every change; updated_at alone may not'],
    [
      { candidates: [updatedAt], table: { ...table, bytes: 2 ** 40 } },
      'timestamp: updated_at is indexed and without NULLs',
    ],
    [{ candidates: [{ ...updatedAt, indexed: false }] }, 'xmin: finds every change'],
    [{ candidates: [{ ...updatedAt, nullFraction: 0.1 }] }, 'xmin: finds every change'],
    [{ candidates: [{ ...updatedAt, nullFraction: null }] }, 'xmin: finds every change'],
    [{ candidates: [{ ...updatedAt, column: 'created_at' }] }, 'xmin: finds every change'],
    [{ table: { ...table, estimatedRows: 10 } }, 'xmin: finds every change'],
    [{ table: { ...table, estimatedRows: 10 }, comparesKeys: false }, 'full: small enough to be read whole'],
    [{ table: { ...table, primaryKey: [] } }, 'full: it has no primary key'],
    [{ table: { ...table, kind: 'materialized_view' } }, 'full: a refresh replaces its rows'],
    [{ keysMayChange: true }, 'full: transformations rewrite its key or run in JavaScript'],
    [{ setting: 'full', candidates: [updatedAt] }, 'full: configured'],
    [{ setting: 'xmin', candidates: [updatedAt] }, 'xmin: configured'],
    [{ setting: 'xmin', table: { ...table, primaryKey: [] } }, 'full: xmin is configured, but it has no primary key'],
    [
      { setting: 'log', logGap: 'it is a view', table: { ...table, kind: 'view', primaryKey: [] } },
      'full: log is configured, but it is a view',
    ],
    [
      {
        table: {
          ...table,
          primaryKey: [],
          relations: [...table.relations, ...table.relations.map((it) => ({ ...it, oid: 2 }))],
        },
      },
      'full: no primary key covers the rows of its child tables',
    ],
    [{ setting: 'timestamp' }, 'xmin: timestamp is configured, but there is no indexed update column'],
    [
      {
        options: { replicationKey: 'created_at' },
        candidates: [{ ...updatedAt, column: 'created_at', indexed: false }],
      },
      'timestamp: by created_at, as configured',
    ],
    [
      { options: { replicationKey: 'nope' } },
      'full: its replication key nope is no column of type date or timestamp, or is under a rule of "columns"',
    ],
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
