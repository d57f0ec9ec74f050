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
  it('takes a table of smaller batches for no pressure', () => {
    expect(adviceOn({ series: { ...series, batchRows: [5000, 750] } })).toBe('');
  });

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
      { batchCut: { from: 5000, to: 2500 } },
      /^Memory pressure cut the batch from 5000 to 2500 rows: .*"batch_bytes"/,
    ],
    [
      "the user's own batch size that memory pressure cut",
      { batchCut: { from: 50_000, to: 1 }, options: { customBatchSize: 50_000, customThreads: null } },
      /^Memory pressure cut the batch of your "custom_batch_size" from 50000 to 1 row: .*lower that option/,
    ],
    [
      "the user's own batch size that is small",
      { rows: 1_000_000, options: { customBatchSize: 10, customThreads: null } },
      /^Your "custom_batch_size" of 10 makes many statements/,
    ],
    [
      'a full CPU',
      { series: { ...series, cpuPercent: [100, 99, 40] } },
      /^The CPU was full most of the time: more cores/,
    ],
    [
      'a CPU that is full of other processes',
      { series: { ...series, cpuPercent: [100, 99, 99], ownCpuPercent: [10, 20, 30] } },
      /^The CPU was full most of the time, and this process used 20% of it: move the other processes/,
    ],
    [
      'a slow warehouse',
      { tables: [{ ...table, waitedForWarehouse: 60 }] },
      /waited 60% of their time for the warehouse/,
    ],
    [
      'a slow server with an idle machine',
      { tables: [{ ...table, waitedForWarehouse: 1 }], series: { ...series, cpuPercent: [20, 20], readers: [4] } },
      /raise "custom_threads", if/,
    ],
    [
      "the user's own number of readers",
      {
        tables: [{ ...table, waitedForWarehouse: 1 }],
        series: { ...series, cpuPercent: [20, 20], readers: [2] },
        options: { customBatchSize: null, customThreads: 2 },
      },
      /raise "custom_threads" above your 2, if/,
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
