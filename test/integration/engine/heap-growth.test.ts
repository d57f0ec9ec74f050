/** A sync tells V8 (common/heap-growth, common/late-optimization) all that it needs to know. */
import v8 from 'node:v8';
import { HeapGrowth } from '../../../src/common/heap-growth';
import { optimizeLate } from '../../../src/common/late-optimization';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await database.client.query(
    `CREATE TABLE notes AS SELECT n, repeat('x', 1000) AS body FROM generate_series(1, 20000) AS n;
     ALTER TABLE notes ADD PRIMARY KEY (n)`,
  );
});
afterAll(() => database.drop());

/** Flags set, and bytes told of, by a sync of everything. */
async function told(ownProcess: boolean): Promise<{ flags: string[]; written: number; bytes: number }> {
  // They are of the whole process, and here of other tests as well.
  const setFlags = jest.spyOn(v8, 'setFlagsFromString').mockImplementation(() => undefined);
  const written = jest.spyOn(HeapGrowth.prototype, 'written');
  try {
    const { report, failures } = await sync(database, { fullResync: ['*'] }, { ownProcess });
    expect(failures).toEqual({});
    return {
      flags: setFlags.mock.calls.map(([flags]) => flags),
      written: written.mock.calls.reduce((sum, [bytes]) => sum + bytes, 0),
      bytes: report.bytes,
    };
  } finally {
    setFlags.mockRestore();
    written.mockRestore();
  }
}

const LONG_SYNC = '--incremental-marking --heap-growing-percent=60';

test('every batch is counted, and a sync of 20 MB is a long one', async () => {
  const { flags, written, bytes } = await told(false);
  expect(bytes).toBeGreaterThan(20_000_000);
  expect(written).toBe(bytes);
  expect(flags).toEqual([LONG_SYNC]);
});

test('in a process of its own it collects nothing before, and optimizes late', async () => {
  const late: string[] = [];
  optimizeLate((flag) => late.push(flag));
  const first = ['--no-incremental-marking --semi-space-growth-factor=1', ...late];
  expect((await told(true)).flags).toEqual([...first, LONG_SYNC]);
});
