import { advise } from '../../../src/observe/advice';
import type { PageData, PageTable } from '../../../src/observe/page-data';
import { createWatch } from './watch-samples';

const table: PageTable = {
  name: 'public.orders',
  category: 'small',
  mode: 'xmin',
  reason: '',
  readMethod: 'ranges',
  estimatedRows: 100_000,
  bytes: 1,
  rows: 100_000,
  writtenBytes: 1,
  retries: 0,
  from: 0,
  to: 100,
  error: null,
  spans: [],
  batchRows: 5000,
  threads: 4,
  pauses: [],
  waitedToBegin: 0,
  waitedForRetry: 0,
  waitedForWarehouse: 20,
};

const series = createWatch().watch.data().series;

function adviceOn(changes: Partial<PageData>): string {
  const calm = { ...series, cpuPercent: [80, 80], readers: [4, 4], batchRows: [5000, 5000] };
  const found: PageData = { ...createWatch().watch.data(), seconds: 100, tables: [table], series: calm, ...changes };
  return advise(found).join('\n');
}

describe('advice after a sync', () => {
  it('is silent where all went well', () => {
    expect(adviceOn({})).toBe('');
  });

  it.each<[string, Partial<PageData>, RegExp]>([
    ['a failed table', { failures: ['public.x: No right.'] }, /^Mend the failed tables first/],
    [
      'retries',
      { retries: 3, tables: [{ ...table, retries: 3 }] },
      /^3 retries \(public\.orders\): look at the network/,
    ],
    [
      'memory pressure that lasted',
      { series: { ...series, batchRows: [5000, 2500, null] } },
      /^Memory pressure cut the batch from 5000 to 2500 rows/,
    ],
    ['a full CPU', { series: { ...series, cpuPercent: [100, 99, 40] } }, /^The CPU was full/],
    [
      'a slow warehouse',
      { tables: [{ ...table, waitedForWarehouse: 60 }] },
      /waited 60% of their time for the warehouse/,
    ],
    [
      'a slow server with an idle machine',
      { tables: [{ ...table, waitedForWarehouse: 1 }], series: { ...series, cpuPercent: [20, 20], readers: [4] } },
      /raise "custom_threads"/,
    ],
    ['a wrong estimate', { tables: [{ ...table, mode: 'full', estimatedRows: 10 }] }, /public\.orders.*run ANALYZE/],
    [
      'a large table read whole',
      { tables: [{ ...table, mode: 'full', rows: 2_000_000, estimatedRows: 2_000_000 }] },
      /makes them incremental/,
    ],
    ['a cursor over many rows', { tables: [{ ...table, readMethod: 'cursor' }] }, /^Read with a cursor/],
  ])('speaks of %s', (_what, changes, sentence) => {
    expect(adviceOn(changes)).toMatch(sentence);
  });
});
