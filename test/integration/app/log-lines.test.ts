/** The lines that operators search their logs for: those of the Python connector, word by word. */
import type { LogFields } from '../../../src/common/logger';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { CALM, sync } from '../sync';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await database.client.query(`
    DO $$ BEGIN FOR i IN 1 .. 7 LOOP
      EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY); INSERT INTO t%1$s SELECT generate_series(1, %s)', i, i * 10);
    END LOOP; END $$;
    ANALYZE`);
});
afterAll(() => database.drop());

/** Places of the lines that match, each pattern at least once. */
function places(lines: readonly string[], pattern: RegExp): number[] {
  const found = [...lines.keys()].filter((index) => pattern.test(lines[index] ?? ''));
  expect([pattern, found.length > 0]).toEqual([pattern, true]);
  return found;
}

test('from plan to end, in their order', async () => {
  const { lines } = await sync(database, { customThreads: 1 });
  const order = [
    /^INFO New database connection established at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/,
    /^INFO Schema discovery completed: 7 tables found$/,
    /^INFO SYNC PROCESSING PLAN$/,
    /^INFO SMALL TABLES \(7\):$/,
    /^INFO SUMMARY STATISTICS$/,
    /^INFO Found 7 tables to process$/,
    /^INFO Resource Monitor: Memory 20\.0% \(3\.7GB available\), CPU 20\.0%, Disk 20\.0%$/,
    /^INFO Processing table 1\/7: public\.t1 \(small, 10 rows\)$/,
    /^INFO Processing table 7\/7: public\.t7 \(small, 70 rows\)$/,
    /^INFO Successfully processed table public\.t7: 70 records$/,
    /^INFO Completed 7\/7 tables\.$/,
    /^INFO Data extraction completed successfully in \d+\.\d\d seconds$/,
  ].map((pattern) => places(lines, pattern)[0]);
  expect(order).toEqual(order.toSorted((a = 0, b = 0) => a - b));
  for (let number = 1; number <= 7; number += 1) {
    places(lines, new RegExp(`^INFO Processing table ${number}/7: public\\.t${number} \\(small, ${number}0 rows\\)$`));
    places(lines, new RegExp(`^INFO Successfully processed table public\\.t${number}: ${number}0 records$`));
    places(lines, new RegExp(`^INFO Completed ${number}/7 tables\\.( Next: public\\.t\\d)?$`));
  }
  expectNextOpen(lines);
});

/** No line names as the next table one that had ended or failed before. Tables that are committed together end together. */
function expectNextOpen(lines: readonly string[]): void {
  const named = [...lines.entries()].flatMap(([place, line]) => {
    const next = /^INFO Completed \d+\/\d+ tables\. Next: (.*)$/.exec(line)?.[1];
    return next === undefined ? [] : [{ place, next }];
  });
  const ends = /(?:Successfully processed table (\S+):|Max retries exceeded for table (\S+))/;
  for (const { place, next } of named) {
    const ended = lines.slice(0, place).flatMap((line) => ends.exec(line)?.slice(1) ?? []);
    expect([lines[place], ended]).toEqual([lines[place], expect.not.arrayContaining([next])]);
  }
}

test('the next table is one that has not ended, however many are read at once, and where one of them fails', async () => {
  await database.client.query('CREATE TABLE t0 (id int PRIMARY KEY, v text)');
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE t0 IN ACCESS EXCLUSIVE MODE');
  const { lines, failures } = await sync(
    database,
    { customThreads: 4, fullResync: ['*'], maxRetries: 1, lockTimeoutSeconds: 1 },
    { beforeWrite: async (batch) => void (batch % 2 === 1 && (await new Promise((settle) => setTimeout(settle, 20)))) },
  );
  await holder.query('ROLLBACK; DROP TABLE t0');
  expect(Object.keys(failures)).toEqual(['public.t0']);
  places(lines, /^SEVERE Max retries exceeded for table public\.t0$/);
  places(lines, /^INFO Completed \d\/8 tables\. Next: public\.t\d$/);
  expectNextOpen(lines);
});

test('the state of the machine at the start, every five tables and at the end', async () => {
  const { lines } = await sync(database, { customThreads: 1, fullResync: ['*'] });
  const [start = 0, middle = 0, end = 0, ...more] = places(lines, /^INFO Resource Monitor: Memory /);
  expect(more).toEqual([]);
  expect(lines[start - 1]).toBe('INFO Found 7 tables to process');
  expect(lines[middle - 1]).toMatch(/^INFO Completed 5\/7 tables\./);
  expect(lines[end + 1]).toMatch(/^INFO Data extraction completed/);
});

test('under pressure, within a table, and when a table fails', async () => {
  await database.client.query(`
    CREATE TABLE big (id int PRIMARY KEY, n int NOT NULL); INSERT INTO big SELECT i, 1 FROM generate_series(1, 40000) i;
    CREATE VIEW broken AS SELECT 1 / (id - 10) AS id FROM t1; ANALYZE`);
  let readings = 0;
  const pressures = [{ memoryPercent: 85 }, { memoryPercent: 95 }, { cpuPercent: 90 }, { cpuPercent: 99 }];
  const { lines, failures } = await sync(
    database,
    { includeViews: true, maxRetries: 2, customQueueSize: 5_000 },
    {
      // Five readings of each, half a second apart.
      pressure: { read: () => ({ ...CALM, ...pressures[Math.floor(readings / 5)] }) },
      clock: () => readings * 500,
      observer: { sampled: () => (readings += 1) },
    },
  );
  expect(Object.keys(failures)).toEqual(['public.broken']);
  places(
    lines,
    /^SEVERE Error processing table public\.broken, attempt 1\/2: Column "id" of public\.broken cannot be computed: division by zero/,
  );
  places(lines, /^WARNING HIGH MEMORY PRESSURE: Reducing batch size from \d+ to \d+ records$/);
  places(lines, /^WARNING CRITICAL MEMORY PRESSURE: Reducing batch size from \d+ to \d+ records$/);
  places(
    lines,
    /^WARNING (HIGH|CRITICAL) CPU PRESSURE: Reducing threads from \d to \d(?: \(CPU \d+%: this process \d+%(?:, the server for it \d+%)?, others \d+%\))?$/,
  );
  expect(lines.some((line) => line.includes('Data extraction completed successfully'))).toBe(false);
});

test('a checkpoint within a table, and another attempt', async () => {
  await database.client.query(
    `CREATE TABLE rows_by_the_million (id int); INSERT INTO rows_by_the_million SELECT generate_series(1, 1100000); ANALYZE`,
  );
  const { lines } = await sync(
    database,
    { tableFilters: ['public.rows_by_the_million'], maxRetries: 3, customBatchSize: 50_000 },
    {
      beforeWrite: async (batch) => {
        if (batch === 2)
          await database.client.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgsluice' AND datname = current_database()`,
          );
      },
    },
  );
  places(lines, /^SEVERE Error processing table public\.rows_by_the_million, attempt 1\/3: /);
  places(lines, /^WARNING Retrying public\.rows_by_the_million after backoff \d+\.\d\ds \(attempt 2\/3\)$/);
  places(lines, /^INFO Checkpointing public\.rows_by_the_million after \d+ records$/);
  places(lines, /^INFO Successfully processed table public\.rows_by_the_million: 1100000 records$/);
});

test('what a line is about stands in fields of its own, for a log that machines read', async () => {
  await database.client.query('CREATE TABLE again AS SELECT generate_series(1, 30000) AS id; ANALYZE again');
  const seen: { readonly message: string; readonly fields: LogFields | undefined }[] = [];
  const log = (message: string, fields?: LogFields): void => void seen.push({ message, fields });
  await sync(
    database,
    { tableFilters: ['public.again', 'public.t3'], fullResync: ['*'], customBatchSize: 1_000, customQueueSize: 1_000 },
    {
      logger: { debug: log, info: log, warning: log, severe: log },
      beforeWrite: async (batch) => {
        if (batch === 5)
          await database.client.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgsluice' AND datname = current_database()`,
          );
      },
    },
  );
  const fieldsOf = (pattern: RegExp): unknown => seen.find(({ message }) => pattern.test(message))?.fields;
  expect(fieldsOf(/^PostgreSQL /)).toMatchObject({ database: database.name, standby: false });
  expect(fieldsOf(/^Resource Monitor: /)).toEqual({
    memoryPercent: 20,
    memoryAvailableBytes: 4e9,
    cpuPercent: 20,
    diskPercent: 20,
  });
  expect(fieldsOf(/^Found 2 tables to process/)).toEqual({ tables: 2 });
  expect(fieldsOf(/^Processing table .*public\.t3 /)).toMatchObject({ table: 'public.t3', tables: 2, rows: 30 });
  expect(fieldsOf(/^Successfully processed table public\.t3/)).toEqual({
    ...{ table: 'public.t3', rows: 30, changed: 30, deleted: 0 },
  });
  expect(fieldsOf(/^Error processing table public\.again, attempt 1/)).toMatchObject({
    ...{ table: 'public.again', attempt: 1, attempts: 5 },
    code: expect.any(String) as string,
    sqlState: expect.any(String) as string,
  });
  expect(fieldsOf(/^Retrying public\.again /)).toEqual({
    ...{ table: 'public.again', attempt: 2, attempts: 5, delaySeconds: expect.any(Number) as number },
  });
  expect(fieldsOf(/^Data extraction completed /)).toEqual({ seconds: expect.any(Number) as number });
});
