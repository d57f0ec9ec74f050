import type { TableWork } from '../../../src/app/find-work';
import { jobsFor } from '../../../src/fleet/do-job';
import { optionsOf, type JobData } from '../../../src/fleet/jobs';

const ROUND = { round: 'r', source: 's', partMegabytes: 256 };
const table = (key: string, megabytes: number, firstLoad = false): TableWork => {
  return { key, blocks: megabytes * 128, firstLoad };
};
const tablesOf = (jobs: readonly JobData[]): readonly (readonly string[])[] =>
  jobs.map((job) => (job.kind === 'tables' ? job.tables : []));

it('gives tables of some size a job each, the largest first, and lets small ones share', () => {
  const tables = [table('a', 1), table('b', 20), table('c', 0), table('d', 500), table('e', 2)];
  expect(tablesOf(jobsFor({ tables, followsLog: false }, ROUND))).toEqual([['d'], ['b'], ['e', 'a', 'c']]);
});

it('lets at most 50 tables and 64 MB share a job', () => {
  const many = Array.from({ length: 120 }, (_, index) => table(`t${index}`, 0));
  expect(tablesOf(jobsFor({ tables: many, followsLog: false }, ROUND)).map(({ length }) => length)).toEqual([
    50, 50, 20,
  ]);
  const eights = Array.from({ length: 10 }, (_, index) => table(`t${index}`, 8));
  expect(tablesOf(jobsFor({ tables: eights, followsLog: false }, ROUND)).map(({ length }) => length)).toEqual([8, 2]);
});

it('cuts first loads of two parts and more, and no other', () => {
  const tables = [table('new', 512, true), table('small', 511, true), table('old', 10_000)];
  const jobs = jobsFor({ tables, followsLog: false }, ROUND);
  expect(jobs.map((job) => [job.kind, 'table' in job ? job.table : tablesOf([job])[0]?.[0]])).toEqual([
    ['tables', 'old'],
    ['begin', 'new'],
    ['tables', 'small'],
  ]);
  expect(jobsFor({ tables: [table('new', 2, true)], followsLog: false }, { ...ROUND, partMegabytes: 1 })).toMatchObject(
    [{ kind: 'begin', table: 'new' }],
  );
});

it('reads a log once, for all tables', () => {
  const tables = [table('a', 500), table('b', 1)];
  expect(tablesOf(jobsFor({ tables, followsLog: true }, ROUND))).toEqual([['a', 'b']]);
  expect(jobsFor({ tables: [], followsLog: true }, ROUND)).toEqual([]);
});

it('gives each job a key of its own, which is the same each time', () => {
  const part = { table: 'public.t', load: 'l', number: 1, fromBlock: 0, toBlock: 8 };
  const common = { format: 1, source: 's', round: 'r' };
  const jobs: readonly JobData[] = [
    { format: 1, source: 's', kind: 'plan' },
    { ...common, kind: 'tables', tables: ['public.t'] },
    { ...common, kind: 'begin', table: 'public.t' },
    { ...common, kind: 'finish', table: 'public.t' },
    { ...common, kind: 'part', part },
    { ...common, kind: 'part', part: { ...part, number: 2 } },
  ];
  const keys = jobs.map((job) => optionsOf(job).singletonKey);
  expect(new Set(keys).size).toBe(jobs.length);
  expect(optionsOf({ ...common, round: 'other', kind: 'tables', tables: ['public.t'] }).singletonKey).toBe(keys[1]);
});
