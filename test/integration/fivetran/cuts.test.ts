/** Streams cut at the messages whose order matters: what is resumed ends with the source's rows, whatever the client kept. */
import { allOlderEnded } from '../../helpers/older-transactions';
import { createDatabase, type TestDatabase, withRanges } from '../../helpers/postgres';
import { Applier } from '../../helpers/fivetran/applier/applier';
import { afterTruncate, differences, update, type Cut } from '../../helpers/fivetran/applier/session';
import { WireClient } from '../../helpers/fivetran/applier/wire';
import { configurationFor, startService, type TestService } from '../../helpers/fivetran/service';

let database: TestDatabase;
let service: TestService;
let client: WireClient;

beforeAll(async () => {
  database = await createDatabase();
  service = await startService();
  client = new WireClient(service.address);
});
afterAll(async () => {
  client?.close();
  await service?.stop();
  await database?.drop();
});
afterEach(() => database.client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public'));

async function createTable(rows: number): Promise<void> {
  await database.client.query(`
    CREATE TABLE public.t AS SELECT i AS id, md5(i::text) AS v FROM generate_series(1, ${rows}) AS i;
    ALTER TABLE public.t ADD PRIMARY KEY (id);
    ANALYZE public.t`);
}

async function grow(from: number, to: number): Promise<void> {
  await database.client.query(
    `INSERT INTO public.t SELECT i, md5(i::text) FROM generate_series(${from}, ${to}) AS i; ANALYZE public.t`,
  );
}

const T = 'source_public_t';
const expectEqual = async (applier: Applier, columns = ['id', 'v'], key = ['id']): Promise<void> => {
  expect((await differences(database.client, applier, { id: T, sql: 'public.t', key, columns })).slice(0, 5)).toEqual(
    [],
  );
  expect(applier.breaches).toEqual([]);
};

async function run(
  applier: Applier,
  more: Record<string, string> = {},
  rest: { cut?: Cut; selection?: object; applyRest?: boolean } = {},
): Promise<void> {
  const end = await update(client, applier, { configuration: configurationFor(database, more), ...rest });
  expect({ outcome: end.outcome, details: end.details }).toEqual({
    outcome: rest.cut === undefined ? 'ok' : 'cut',
    details: '',
  });
}

describe.each([true, false])(
  'TRUNCATE, a cut, and a next Update that decides for changes (the rest applied: %s)',
  (applyRest) => {
    it('of a table that grew past one batch', async () => {
      await createTable(4_900);
      const applier = new Applier();
      await run(applier);
      await run(applier, {}, { cut: afterTruncate(T, 5), applyRest });
      await grow(4_901, 5_200);
      await run(applier);
      await run(applier);
      await expectEqual(applier);
    });

    it('of a table whose mode was full for one Update', async () => {
      await createTable(20_000);
      const applier = new Applier();
      await run(applier);
      await run(applier, { sync_mode: 'full' }, { cut: afterTruncate(T, 0), applyRest });
      await run(applier);
      await expectEqual(applier);
    });

    it('of a column that was deselected for one Update', async () => {
      await createTable(20_000);
      const applier = new Applier();
      await run(applier);
      const selection = {
        without_schema: {
          tables: [{ included: true, table_name: T, columns: { id: true, v: false }, include_new_columns: true }],
          include_new_tables: true,
        },
      };
      await run(applier, {}, { cut: afterTruncate(T, 1), selection, applyRest });
      await run(applier);
      await expectEqual(applier);
    });
  },
);

/** Right behind the first message of a kind. */
const after = (kind: 'schema_change' | 'checkpoint'): Cut => {
  let seen = false;
  return (message) => {
    seen ||= message[kind] !== undefined;
    return seen;
  };
};

async function counted(
  applier: Applier,
  more: Record<string, string> = {},
): Promise<{ changes: number; upserts: number }> {
  const counts = { changes: 0, upserts: 0 };
  await allOlderEnded(database.client);
  await update(client, applier, {
    configuration: configurationFor(database, more),
    cut: (message) => {
      if (message.schema_change !== undefined) counts.changes += 1;
      for (const record of message.records?.records ?? [])
        if (record.table_name === T || record.table_name === 't') counts.upserts += record.type === undefined ? 1 : 0;
      return false;
    },
  });
  return counts;
}

describe('a date in the key that the wire cannot carry', () => {
  const DATES = `'infinity', '-infinity', '0044-03-15 BC', '0043-03-15 BC', '10000-01-01', '20000-01-01', '2025-01-01'`;
  it.each([
    ['a key', 'timestamp', 'PRIMARY KEY (id, valid_to)'],
    ['a key of dates', 'date', 'PRIMARY KEY (id, valid_to)'],
    ['a key with time zone', 'timestamptz', 'PRIMARY KEY (id, valid_to)'],
    ['no key', 'timestamp', 'CHECK (id > 0)'],
  ])('is sent as STRING, and rows stay apart: %s', async (_what, type, constraint) => {
    await database.client.query(`
      CREATE TABLE public.t (id int, valid_to ${type}, v text, ${constraint});
      INSERT INTO public.t SELECT i, d::${type}, 'x' FROM generate_series(1, 300) AS i, unnest(ARRAY['2025-01-01', '2025-02-01']) AS d;
      ANALYZE`);
    const key = constraint.startsWith('PRIMARY') ? ['id', 'valid_to'] : [];
    const applier = new Applier();
    await run(applier, { sync_mode: 'xmin' });
    expect(applier.typeOf(T, 'valid_to')).not.toBe('STRING');
    await database.client.query(
      `INSERT INTO public.t SELECT 1000 + i, d::${type}, 'y' FROM generate_series(1, 2) AS i, unnest(ARRAY[${DATES}]) AS d`,
    );
    await run(applier, { sync_mode: 'xmin' });
    expect(applier.typeOf(T, 'valid_to')).toBe('STRING');
    expect(applier.live(T)).toHaveLength(614);
    await expectEqual(applier, ['id', 'valid_to', 'v'], key);
    await database.client.query("UPDATE public.t SET v = 'z' WHERE id = 1001");
    expect(await counted(applier, { sync_mode: 'xmin' })).toMatchObject({ changes: 0 });
    await expectEqual(applier, ['id', 'valid_to', 'v'], key);
  });

  it('is loaded from the start, also where the stream is cut behind the SchemaChange', async () => {
    await database.client.query(`
      CREATE TABLE public.t (id int, at date, PRIMARY KEY (id, at));
      INSERT INTO public.t SELECT i, '2025-01-01' FROM generate_series(1, 300) AS i`);
    for (const applyRest of [true, false]) {
      const applier = new Applier();
      await run(applier, { sync_mode: 'xmin' });
      await database.client.query("INSERT INTO public.t VALUES (1, 'infinity')");
      await run(applier, { sync_mode: 'xmin' }, { cut: after('schema_change'), applyRest });
      await database.client.query("DELETE FROM public.t WHERE at = 'infinity'");
      await run(applier, { sync_mode: 'xmin' });
      await expectEqual(applier, ['id', 'at'], ['id', 'at']);
    }
  });
});

describe('a decimal that became STRING', () => {
  it.each([{ sync_mode: 'xmin' }, { sync_mode: 'full' }])('stays so at later Updates, said once: %j', async (mode) => {
    await database.client.query(`
      CREATE TABLE public.t (id int PRIMARY KEY, v numeric);
      INSERT INTO public.t VALUES (1, 1.5), (2, 'NaN')`);
    const applier = new Applier();
    expect(await counted(applier, mode)).toMatchObject({ changes: 1 });
    expect(applier.typeOf(T, 'v')).toBe('STRING');
    await database.client.query('DELETE FROM public.t WHERE id = 2; INSERT INTO public.t VALUES (3, 2.5)');
    expect(await counted(applier, mode)).toMatchObject({ changes: 0 });
    expect(await counted(applier, mode)).toMatchObject({ changes: 0 });
    expect(applier.live(T).map((row) => row.get('v'))).toContain('2.5');
    expect(applier.breaches).toEqual([]);
  });

  it.each([true, false])(
    'is not forgotten by a cut behind its SchemaChange (the rest applied: %s)',
    async (applyRest) => {
      await createTable(1_000);
      await database.client.query(
        "ALTER TABLE public.t ADD COLUMN n numeric; UPDATE public.t SET n = 'NaN' WHERE id = 7",
      );
      const applier = new Applier();
      await run(applier, {}, { cut: after('schema_change'), applyRest });
      await database.client.query('UPDATE public.t SET n = id');
      await run(applier);
      await expectEqual(applier, ['id', 'v', 'n']);
    },
  );

  it('in the key is loaded from the start', async () => {
    await database.client.query(`
      CREATE TABLE public.t (id numeric PRIMARY KEY, v text);
      INSERT INTO public.t SELECT i / 2.0, 'x' FROM generate_series(1, 2000) AS i`);
    const applier = new Applier();
    await run(applier, { sync_mode: 'xmin', custom_batch_size: '100' });
    await database.client.query("INSERT INTO public.t VALUES ('NaN', 'y')");
    await run(applier, { sync_mode: 'xmin', custom_batch_size: '100' });
    expect(applier.typeOf(T, 'id')).toBe('STRING');
    await expectEqual(applier, ['id', 'v']);
  });
});

it('a column that changed its type and back, cut in between, is announced as what comes', async () => {
  await createTable(1_000);
  for (const applyRest of [true, false]) {
    const applier = new Applier();
    await run(applier);
    await database.client.query('ALTER TABLE public.t ALTER COLUMN id TYPE bigint');
    await run(applier, {}, { cut: after('schema_change'), applyRest });
    await database.client.query('ALTER TABLE public.t ALTER COLUMN id TYPE int');
    await run(applier);
    await expectEqual(applier);
  }
});

withRanges(it).each(['true', 'false'])(
  'loads everything under the new names when with_schema is switched to %s',
  async (to) => {
    await createTable(2_000);
    const applier = new Applier();
    const from = String(to !== 'true');
    await run(applier, { sync_mode: 'xmin', with_schema: from });
    await run(applier, { sync_mode: 'xmin', with_schema: to });
    expect(applier.live(to === 'true' ? 'public.t' : T)).toHaveLength(2_000);
    expect(applier.warnings.join()).toContain('"with_schema" is another than at the last sync');
    expect(applier.breaches).toEqual([]);
    expect(await counted(applier, { sync_mode: 'xmin', with_schema: to })).toEqual({ changes: 0, upserts: 0 });
  },
);

withRanges(it)('ends an initial load of which every Update is cut after some ten thousand rows', async () => {
  const ROWS = 150_000;
  await createTable(ROWS);
  for (const applyRest of [true, false]) {
    const applier = new Applier();
    let rounds = 0;
    for (let ended = false; !ended; rounds += 1) {
      expect(rounds).toBeLessThan(25);
      let rows = 0;
      const { outcome } = await update(client, applier, {
        configuration: configurationFor(database),
        applyRest,
        cut: ({ records }) => (rows += records?.records?.length ?? 0) >= 10_000 + 5_000 * (rounds % 3),
      });
      ended = outcome === 'ok';
    }
    await expectEqual(applier);
  }
});

describe('a load that goes on in a later Update', () => {
  const cutAfterRows = (most: number): Cut => {
    let rows = 0;
    return ({ records }) => (rows += records?.records?.length ?? 0) >= most;
  };
  const ROWS = 40_000;
  it.each([
    ['rows that were deleted in between', 'DELETE FROM public.t WHERE id % 100 = 1'],
    ['keys that were changed in between', 'UPDATE public.t SET id = -id WHERE id % 100 = 1'],
    [
      'as many rows deleted as added',
      `DELETE FROM public.t WHERE id IN (SELECT id FROM public.t ORDER BY id LIMIT 50); INSERT INTO public.t SELECT max(id) + i, 'n' FROM public.t, generate_series(1, 50) AS i GROUP BY i`,
    ],
  ])('ends with the rows of the source: %s', async (_what, change) => {
    await createTable(ROWS);
    for (const mode of ['full', 'xmin']) {
      const applier = new Applier();
      await run(applier, { sync_mode: mode }, { cut: cutAfterRows(25_000) });
      await database.client.query(change);
      await run(applier, { sync_mode: mode });
      await expectEqual(applier);
      expect(applier.warnings).toEqual([]);
    }
  });

  withRanges(it)('sends no row again where rows were only updated, or only added', async () => {
    await createTable(ROWS);
    const applier = new Applier();
    await run(applier, {}, { cut: cutAfterRows(30_000) });
    await database.client.query('UPDATE public.t SET v = upper(v) WHERE id < 10');
    expect((await counted(applier)).upserts).toBeLessThan(ROWS - 15_000);
    await expectEqual(applier);
    const second = new Applier();
    await run(second, {}, { cut: cutAfterRows(30_000) });
    await grow(ROWS + 1, ROWS + 100);
    expect((await counted(second)).upserts).toBeLessThan(ROWS - 15_000);
    await expectEqual(second);
    expect(applier.warnings).toEqual([]);
  });
});
