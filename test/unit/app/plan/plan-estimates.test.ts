import type { TableDetails } from '../../../../src/app/plan/table-details';
import { estimateRun, estimateTables } from '../../../../src/app/plan/plan-estimates';
import type { RunRecord, TableRecord } from '../../../../src/model/run-record';

function table(name: string, estimatedRows: number, pass: TableDetails['pass'] = 'load'): TableDetails {
  return {
    table: name,
    destinationTable: name,
    category: 'small',
    estimatedRows,
    bytes: 1,
    primaryKey: [],
    columnRules: [],
    mode: 'full',
    reason: '',
    pass,
    replicationKey: null,
    untrustedKey: null,
    readMethod: 'ranges',
    batchRows: 5000,
    threads: 4,
    partitions: 1,
    statements: 1,
    estimatedSeconds: null,
  };
}

function record(key: string, rows: number, seconds: number, error: string | null = null): TableRecord {
  return { key, rows, bytes: rows * 10, seconds, retries: 0, error };
}

function run(seconds: number, tables: readonly TableRecord[]): RunRecord {
  return {
    startedAt: '',
    endedAt: '',
    outcome: 'succeeded',
    seconds,
    rows: 0,
    bytes: 0,
    retries: 0,
    slotWalBytes: null,
    error: null,
    tableCount: tables.length,
    tables,
  };
}

const secondsOf = (tables: readonly TableDetails[], history: readonly RunRecord[]): (number | null)[] =>
  estimateTables(tables, history).map(({ estimatedSeconds }) => estimatedSeconds);

describe('the time a plan expects', () => {
  it('is unknown without a history', () => {
    expect(secondsOf([table('a', 1000)], [])).toEqual([null]);
    expect(estimateRun(estimateTables([table('a', 1000)], []), [])).toBeNull();
  });

  it("goes by a table's own rate, and by that of all tables for a new one", () => {
    const history = [run(10, [record('a', 1000, 10), record('b', 3000, 10)])];
    expect(secondsOf([table('a', 2000), table('new', 2000)], history)).toEqual([20, 10]);
  });

  it('does not learn from attempts that failed', () => {
    expect(secondsOf([table('a', 1000)], [run(1, [record('a', 1000, 1, 'Broken.')])])).toEqual([null]);
  });

  it('takes for changes what earlier changes took, not what a load takes', () => {
    const history = [run(1, [record('a', 10, 2)]), run(1, [record('a', 20, 4)]), run(50, [record('a', 1000, 50)])];
    expect(secondsOf([table('a', 1000, 'changes')], history)).toEqual([3]);
    expect(secondsOf([table('a', 1000, 'load')], history)).toEqual([50]);
  });

  it('counts tables that were read beside each other as they were', () => {
    const history = [run(10, [record('a', 1000, 10), record('b', 1000, 10)])];
    const tables = estimateTables([table('a', 1000), table('b', 1000)], history);
    expect(estimateRun(tables, history)).toBe(10);
  });

  it('is never shorter than its longest table', () => {
    const history = [run(10, [record('a', 1000, 10), record('b', 1000, 10)])];
    const tables = estimateTables([table('a', 10_000), table('b', 1000)], history);
    expect(estimateRun(tables, history)).toBe(100);
  });
});
