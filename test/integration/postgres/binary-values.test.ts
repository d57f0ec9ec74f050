/** Dates, timestamps and floats that travel as digits of their bytes: what arrives is what PostgreSQL has. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RowVectors } from '../../../src/destinations/duckdb/load/row-vectors';
import { binaryForm, textsOfBinary } from '../../../src/model/binary-values';
import type { PackedEncoding } from '../../../src/model/packed-batch';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, rangesMissing, type TestDatabase } from '../../helpers/postgres';
import { describeWhere } from '../../helpers/server-process';
import { sync } from '../sync';

describeWhere(rangesMissing(), 'values that travel as digits', () => {
  let database: TestDatabase;
  let decode: jest.SpyInstance<unknown, Parameters<RowVectors['decode']>>;
  beforeEach(async () => {
    database = await createDatabase();
    decode = jest.spyOn(RowVectors.prototype, 'decode');
  });
  afterEach(async () => {
    decode.mockRestore();
    await database.drop();
  });

  /** How the columns of all batches so far have travelled. */
  function encodings(): Set<string> {
    return new Set(
      decode.mock.calls.map(([batch]) => batch.columns.map((column): PackedEncoding => column.encoding).join()),
    );
  }

  async function expectSame(rowCount: number): Promise<void> {
    await withWarehouse(database, async (warehouse) => {
      expect(await compareTable(database.client, warehouse, { schema: 'public', name: 't' })).toEqual(same(rowCount));
    });
  }

  const COLUMNS = 'id int PRIMARY KEY, d date, at timestamp, zoned timestamptz, f float4, g float8';

  const UNUSUAL_TIMES = `
  ('-infinity', '-infinity', '-infinity'), ('infinity', 'infinity', 'infinity'),
  ('4713-01-01 BC', '4713-01-01 00:00:00 BC', '4713-01-01 00:00:00+00 BC'),
  ('0001-12-31 BC', '0001-12-31 23:59:59.999999 BC', '0001-12-31 23:59:59.999999+00 BC'),
  ('0001-01-01', '0001-01-01 00:00:00', '0001-01-01 00:00:00+00'),
  ('1999-12-31', '1999-12-31 23:59:59.5', '1999-12-31 23:59:59.000001+00'),
  ('2000-01-01', '2000-01-01', '2000-01-01 00:00+00'), ('2000-02-29', '1970-01-01', '1969-12-31 23:59:59.999999+00'),
  ('1900-02-28', '1900-03-01', '2024-02-29 12:30+05:30'), ('9999-12-31', '9999-12-31 23:59:59.999999', '10000-01-01 00:00+00'),
  ('5874897-12-31', '294246-12-31 23:59:59.999999', '294246-12-31 23:59:59.999999+00'), (NULL, NULL, NULL)`;
  const UNUSUAL_FLOATS = `
  ('NaN', 'NaN'), ('Infinity', '-Infinity'), ('-0', '-0'), ('1.4e-45', '5e-324'), ('3.4028235e38', '1.7976931348623157e308'),
  ('0.1', '0.1'), ('16777216', '9007199254740993'), ('1e-7', '5.684341886080802e-14'), (NULL, NULL)`;

  test('every unusual one', async () => {
    await database.client.query(`
    CREATE TABLE t (${COLUMNS});
    INSERT INTO t (id, d, at, zoned) SELECT row_number() OVER (), d::date, a::timestamp, z::timestamptz
      FROM (VALUES ${UNUSUAL_TIMES}) AS v(d, a, z);
    INSERT INTO t (id, f, g) SELECT 100 + row_number() OVER (), f::float4, g::float8 FROM (VALUES ${UNUSUAL_FLOATS}) AS v(f, g);
    ANALYZE`);
    expect((await sync(database)).failures).toEqual({});
    await expectSame(21);
    expect(encodings()).toContain('int32,date,timestamp,timestamptz,float32,float64');
  });

  test('whether NULL is allowed or not, in loads, in passes over changes, and of domains', async () => {
    const { client } = database;
    await client.query(`
    CREATE DOMAIN moment AS timestamptz; CREATE DOMAIN ratio AS float8;
    CREATE TABLE t (id int PRIMARY KEY, a moment NOT NULL, b moment, c ratio NOT NULL, d ratio, e date[]);
    INSERT INTO t SELECT i, now() + i * interval '1.000001 hours', CASE WHEN i % 3 > 0 THEN now() - i * interval '7 days' END,
      i / 7.0, CASE WHEN i % 2 > 0 THEN -i / 3.0 END, ARRAY[date '2024-01-01' + i] FROM generate_series(1, 4000) i; ANALYZE`);
    await sync(database, { syncMode: 'xmin' });
    await expectSame(4000);
    await client.query(
      `UPDATE t SET b = NULL, d = d * 2 WHERE id % 5 = 0; INSERT INTO t VALUES (0, '-infinity', 'infinity', '-0', 'NaN')`,
    );
    decode.mockClear();
    const { failures } = await sync(
      database,
      // Several statements: the pass begins with what the first one brings.
      { syncMode: 'xmin', batchBytes: 4_096 },
      { changesAfterBeginning: true },
    );
    expect(failures).toEqual({});
    await expectSame(4001);
    expect(encodings()).toContain('int32,timestamptz,timestamptz,float64,float64,plain');
    // And in whichever form they come where nothing is held back.
    await client.query('UPDATE t SET d = -d WHERE id % 7 = 0');
    expect((await sync(database, { syncMode: 'xmin' })).failures).toEqual({});
    await expectSame(4001);
  });

  test('a year that DuckDB cannot hold, in the middle of a load: the columns become text', async () => {
    await database.client.query(`
    CREATE TABLE t (${COLUMNS}); INSERT INTO t SELECT i, '2024-01-01', '2024-01-01', '2024-01-01', 1.5, 2.5 FROM generate_series(1, 999) i;
    INSERT INTO t VALUES (1000, '294247-01-01', '294247-01-01', '294276-12-31 23:59:59.999999+00', 0, 0); INSERT INTO t VALUES (1001);
    INSERT INTO t SELECT i, '0044-03-15 BC', '0044-03-15 10:00:00.5 BC', '0044-03-15 10:00+00 BC', 'NaN', 'NaN' FROM generate_series(2000, 2999) i;
    ANALYZE`);
    const settings = { customBatchSize: 200, customThreads: 1 };
    const { failures, lines } = await sync(database, settings);
    expect(failures).toEqual({});
    expect(lines.join()).toContain('Column at of source_public_t becomes VARCHAR: it holds a year after 294246');
    await expectSame(2001);
    // The next read knows that, and requests texts.
    await database.client.query(`UPDATE t SET f = 3 WHERE id < 10`);
    decode.mockClear();
    await sync(database, { ...settings, syncMode: 'xmin' });
    await expectSame(2001);
    expect(encodings()).toContain('plain,plain,plain,plain,plain,plain');
  });

  // They have no NULL, and so no count of them.
  test('integers that look like what stands for NULL where none is allowed, beside a year that DuckDB cannot hold', async () => {
    const { client } = database;
    await client.query(`
    CREATE TABLE t (id int PRIMARY KEY, s int2 NOT NULL, b int8 NOT NULL, at timestamp);
    INSERT INTO t VALUES (-2147476195, -32739, -9223372036854768355, '294247-01-01'), (2, 1, 1, NULL); ANALYZE`);
    expect((await sync(database, { syncMode: 'xmin' })).failures).toEqual({});
    await expectSame(2);
    await client.query(`CREATE TABLE u (LIKE t INCLUDING ALL); INSERT INTO u VALUES (-2147476195, -32739, 1, NULL)`);
    await sync(database, { syncMode: 'xmin' });
    await client.query(`UPDATE u SET at = '294247-01-01'`);
    expect((await sync(database, { syncMode: 'xmin' })).failures).toEqual({});
    await withWarehouse(database, async (warehouse) => {
      expect(await compareTable(client, warehouse, { schema: 'public', name: 'u' })).toEqual(same(1));
    });
  });

  test('columns that are mostly NULL are read as text once that is seen', async () => {
    await database.client.query(`
    CREATE TABLE t (id int PRIMARY KEY, a int8, b float8, c timestamptz, d int2);
    INSERT INTO t SELECT i, CASE WHEN i % 10 = 0 THEN i END, NULL, CASE WHEN i % 3 > 0 THEN now() END FROM generate_series(1, 3000) i; ANALYZE`);
    expect((await sync(database, { customBatchSize: 500 })).failures).toEqual({});
    await expectSame(3000);
    expect(encodings()).toContain('int32,int64,float64,timestamptz,int16');
    expect(encodings()).toContain('int32,plain,plain,timestamptz,plain');
  });

  // 144 MB of digits, where the server has 1 MB.
  test('a wide table of NULLs is read in small batches from the first one on', async () => {
    const columns = Array.from({ length: 600 }, (_, index) => `c${index} int8`).join(', ');
    await database.client.query(`
    CREATE TABLE t (id int PRIMARY KEY, ${columns}); INSERT INTO t SELECT i FROM generate_series(1, 5000) i; ANALYZE`);
    expect((await sync(database, { batchBytes: 1_000_000, customThreads: 1 })).failures).toEqual({});
    await expectSame(5000);
    const bytes = decode.mock.calls.map(([batch]) => batch.bytes);
    expect(Math.max(...bytes)).toBeLessThan(2_000_000);
  });

  test('a type that changes after discovery is said to have', async () => {
    await database.client.query(`CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1); ANALYZE`);
    const beforeReading = async (): Promise<void> => {
      await database.client.query(`ALTER TABLE t ALTER n TYPE bigint`);
    };
    const { failures } = await sync(database, {}, { beforeReading });
    expect(failures['public.t']).toContain('If the table was altered meanwhile, run the sync again');
    expect((await sync(database)).failures).toEqual({});
    await expectSame(1);
  });

  // Nothing but a client that sends bytes makes such a NaN.
  test('a NaN that looks like what stands for NULL', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pgsluice-nan-'));
    try {
      const field = (digits: string): string => `${(digits.length / 2).toString(16).padStart(8, '0')}${digits}`;
      const { nullDigits } = binaryForm('float64');
      const rows = [1, 2, 3].map(
        (id) => `0002${field(id.toString(16).padStart(8, '0'))}${id === 3 ? 'ffffffff' : field(nullDigits)}`,
      );
      const header = `${Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1').toString('hex')}0000000000000000`;
      const file = join(folder, 'rows');
      writeFileSync(file, Buffer.from(`${header}${rows.join('')}ffff`, 'hex'));
      chmodSync(folder, 0o755);
      await database.client.query(
        `CREATE TABLE t (id int PRIMARY KEY, g float8); COPY t FROM '${file}' BINARY; ANALYZE`,
      );
      expect((await sync(database)).failures).toEqual({});
      await expectSame(3);
      expect(encodings()).toContain('plain,plain');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('integers that look like what stands for NULL, whether NULL is allowed or not', async () => {
    await database.client.query(`
    CREATE TABLE t (id int8 PRIMARY KEY, a int2, b int4, c int8, d int2 NOT NULL, e text);
    INSERT INTO t VALUES (-9223372036854768355, -32739, -2147476195, -9223372036854768355, -32739, 'e'), (1, NULL, NULL, NULL, 0, NULL);
    CREATE TABLE other (LIKE t INCLUDING ALL);
    INSERT INTO other SELECT i * 4611686018427387904, -i, 32768 * i - 1, NULL, i, 'e' FROM generate_series(-2, 1) i; ANALYZE`);
    expect((await sync(database)).failures).toEqual({});
    await expectSame(2);
    await withWarehouse(database, async (warehouse) => {
      expect(await compareTable(database.client, warehouse, { schema: 'public', name: 'other' })).toEqual(same(4));
    });
    expect(encodings()).toContain('plain,plain,plain,plain,plain,escaped');
    expect(encodings()).toContain('int64,int16,int32,int64,int16,plain');
  });

  test('as text where texts identify the rows', async () => {
    await database.client.query(`
    CREATE TABLE t (a timestamptz, g float8); INSERT INTO t VALUES ('2024-01-01', 1e15), ('2024-01-01', 1e15); ANALYZE`);
    await sync(database);
    await expectSame(2);
    expect(encodings()).toContain('plain,plain');
  });

  test('the text of integers is the one that PostgreSQL writes', () => {
    const digits = (size: number, values: readonly bigint[]): string =>
      values
        .map((value) =>
          BigInt.asUintN(size, value)
            .toString(16)
            .padStart(size / 4, '0'),
        )
        .join('');
    expect(textsOfBinary('int16', digits(16, [0n, -1n, 32767n, -32768n]), true)).toEqual([
      '0',
      '-1',
      '32767',
      '-32768',
    ]);
    expect(textsOfBinary('int32', digits(32, [-(2n ** 31n), 7n]), true)).toEqual(['-2147483648', '7']);
    const least = -(2n ** 63n);
    expect(textsOfBinary('int64', digits(64, [least, 2n ** 63n - 1n]), true)).toEqual([
      String(least),
      String(2n ** 63n - 1n),
    ]);
    const { nullDigits } = binaryForm('int64');
    expect(textsOfBinary('int64', nullDigits, true)).toEqual([null]);
    expect(textsOfBinary('int64', nullDigits, false)).toEqual(['-9223372036854768355']);
  });

  test.each(['date', 'timestamp', 'timestamptz'] as const)(
    'the text of a %s is the one that PostgreSQL writes',
    async (type) => {
      // From 4713 BC to the last year of each, at random and around the turns of years.
      await database.client.query(`SET TimeZone = 'UTC'`);
      const { rows } = await database.client.query<{ digits: string; text: string }>(`
      SELECT encode(${type}_send(v), 'hex') AS digits, v::text AS text FROM (
        SELECT (timestamptz '4713-01-01 00:00+00 BC' + random() * random() * random() * interval '298980 years')::${type}
          FROM generate_series(1, 20000)
        UNION ALL SELECT (make_timestamptz(y, m, d, 23, 59, 59.999999, 'UTC') + n * interval '1 microsecond')::${type}
          FROM unnest('{-4712,-401,-400,-5,-4,-1,1,4,100,399,400,1600,1900,1999,2000,2024,9999,10000,99999,294275}'::int[]) y,
               (VALUES (1, 1), (2, 28), (3, 1), (12, 31)) AS days(m, d), generate_series(0, 1) n
      ) AS made(v)`);
      expect(rows.length).toBe(20_160);
      expect(textsOfBinary(type, rows.map(({ digits }) => digits).join(''), true)).toEqual(
        rows.map(({ text }) => text),
      );
    },
  );
});
