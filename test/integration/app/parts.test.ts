/** A first load in parts, which several processes load into one lake at once. */
import { setTimeout as delay } from 'node:timers/promises';
import { Writer } from '../../../src/engine/write';
import { beginParts, finishParts, loadPart, type Part, type PartsContext } from '../../../src/app/parts';
import type { Settings } from '../../../src/config/settings';
import { Warehouse } from '../../../src/destinations/duckdb';
import { compareTable, same } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { onServer, openOnServer } from '../../helpers/lake-world';
import { sync, UNMOVED } from '../sync';

const TABLE = 'public.t';
let database: TestDatabase;
let lines: string[];
beforeEach(async () => {
  database = await createDatabase();
  lines = [];
});
afterEach(async () => {
  jest.restoreAllMocks();
  await database.drop();
});

const sql = (text: string): Promise<unknown> => database.client.query(text);

/** As of one process: it shares nothing with the others but source and lake. */
function context(more: Partial<Settings> = {}, partBytes = 400_000): PartsContext {
  const log = (message: string): void => void lines.push(message);
  return {
    settings: settingsFor(database, onServer(database, { customThreads: 2, ...more })),
    run: {
      logger: { debug: () => undefined, info: log, warning: log, severe: log },
      signal: new AbortController().signal,
      observer: {},
      ...UNMOVED,
    },
    partBytes,
  };
}

async function fill(rows: number): Promise<void> {
  await sql(`CREATE TABLE t (id int PRIMARY KEY, v text, n numeric(12,2), at timestamptz);
    INSERT INTO t SELECT i, repeat(md5(i::text), 4), i / 7.0, '2026-01-01Z'::timestamptz + i * interval '1 s' FROM generate_series(1, ${rows}) i;
    ANALYZE t`);
}

async function begun(more: Partial<Settings> = {}): Promise<readonly Part[]> {
  const { cut, parts } = await beginParts(context(more), TABLE);
  expect(cut).toBe(true);
  expect(parts.length).toBeGreaterThan(2);
  return parts;
}

/** Several processes, each of which takes the next part. */
async function loadAll(parts: readonly Part[], processes = 3): Promise<string[]> {
  const queue = [...parts];
  const outcomes: string[] = [];
  const work = async (): Promise<void> => {
    for (let part = queue.shift(); part !== undefined; part = queue.shift())
      outcomes.push(await loadPart(context(), part));
  };
  await Promise.all(Array.from({ length: processes }, work));
  return outcomes;
}

async function read(query: string): Promise<unknown[][]> {
  const lake = await openOnServer(database);
  try {
    return await lake.rows(query);
  } finally {
    lake.close();
  }
}

async function expectEqual(rows: number): Promise<void> {
  const lake = await openOnServer(database);
  try {
    expect(await compareTable(database.client, lake, { schema: 'public', name: 't' })).toEqual(same(rows));
    const counts = await lake.rows(
      'SELECT count(*)::INT, count(DISTINCT id)::INT, count(DISTINCT sync_timestamp)::INT FROM tester.source_public_t WHERE NOT _fivetran_deleted',
    );
    expect(counts).toEqual([[rows, rows, 1]]);
    expect(await lake.rows(LEFT_BEHIND)).toEqual([]);
  } finally {
    lake.close();
  }
}

const LEFT_BEHIND =
  "SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake' AND (regexp_matches(table_name, '^(parts|todo)_') OR contains(table_name, 'load_'))";

describe('a load in parts', () => {
  it('is exact while many load it at once and rows are added, moved, deleted and changed', async () => {
    await fill(6_000);
    const parts = await begun();
    const writer = await database.connect();
    let writes = 0;
    let stopped = false;
    const writing = (async () => {
      for (let step = 1; !stopped; step += 1, writes += 1) {
        const at = step * 37;
        // Updates move rows to other blocks, deleted ones make room in earlier ones, and a key may come back.
        await writer.query(`UPDATE t SET v = v || 'moved ${step}' WHERE id % 97 = ${step % 97}`);
        await writer.query(`DELETE FROM t WHERE id BETWEEN ${at} AND ${at + 9}`);
        await writer.query(
          `INSERT INTO t SELECT ${20_000 + step * 10} + i, 'new', i, now() FROM generate_series(0, 4) i`,
        );
        await writer.query(
          `INSERT INTO t VALUES (${at}, 'back again', 0, now()) ON CONFLICT (id) DO UPDATE SET v = 'changed'`,
        );
        if (step % 5 === 0) await writer.query('VACUUM t');
        await delay(50);
      }
    })();
    while (writes === 0) await delay(5);
    expect(await loadAll(parts)).toEqual(parts.map(() => 'loaded'));
    const early = await finishParts(context(), TABLE);
    stopped = true;
    await writing;
    expect(early.outcome).toBe('finished');
    await sync(database, onServer(database));
    const { rows } = await database.client.query<{ n: number }>('SELECT count(*)::int AS n FROM t');
    const lake = await openOnServer(database);
    try {
      expect(await compareTable(database.client, lake, { schema: 'public', name: 't' })).toEqual(same(rows[0]?.n ?? 0));
    } finally {
      lake.close();
    }
  });

  it('equals the source at its end, which is written after the last part', async () => {
    await fill(6_000);
    const parts = await begun();
    const [first, ...others] = parts;
    if (first === undefined) throw new Error('No part.');
    await loadPart(context(), first);
    // The rows of the first part move behind the last one, and some come twice into the load.
    await sql(`UPDATE t SET v = 'moved' WHERE id <= 500; DELETE FROM t WHERE id BETWEEN 501 AND 520`);
    await sql('VACUUM t');
    await sql(`INSERT INTO t SELECT 50000 + i, 'new', 1, now() FROM generate_series(1, 300) i`);
    await loadAll(others);
    await sql(
      `DELETE FROM t WHERE id BETWEEN 4000 AND 4100; UPDATE t SET id = id + 100000 WHERE id BETWEEN 5000 AND 5010`,
    );
    const finished = await finishParts(context(), TABLE);
    expect(finished.outcome).toBe('finished');
    await expectEqual(6_000 - 20 + 300 - 101);
    const { report } = await sync(database, onServer(database));
    expect(report.tables.map(({ rows, deleted }) => [rows, deleted])).toEqual([[0, 0]]);
  });

  it('shows nothing of the table before its end', async () => {
    await fill(6_000);
    await loadAll(await begun());
    expect(await read("SELECT table_name FROM duckdb_tables() WHERE table_name = 'source_public_t'")).toEqual([]);
    await finishParts(context(), TABLE);
    await expectEqual(6_000);
  });

  it('goes on with what is there: parts that are done are not loaded again', async () => {
    await fill(6_000);
    const parts = await begun();
    const [first, second] = parts;
    if (first === undefined || second === undefined) throw new Error('No part.');
    expect(await loadPart(context(), first)).toBe('loaded');
    expect(await loadPart(context(), first)).toBe('done before');
    const again = await beginParts(context(), TABLE);
    expect(again.parts).toEqual(parts.slice(1));
    expect(await finishParts(context(), TABLE)).toEqual({ outcome: 'parts missing', parts: parts.slice(1) });
    await loadAll(again.parts);
    await finishParts(context(), TABLE);
    await expectEqual(6_000);
    const repeated = await finishParts(context(), TABLE);
    expect(repeated.outcome).toBe('finished');
    expect(await loadPart(context(), second)).toBe('superseded');
    await expectEqual(6_000);
  });

  it('is begun once by two that begin it at the same time', async () => {
    await fill(6_000);
    const [one, other] = await Promise.all([beginParts(context(), TABLE), beginParts(context(), TABLE)]);
    expect(one).toEqual(other);
    await loadAll(one.parts);
    await finishParts(context(), TABLE);
    await expectEqual(6_000);
  });

  it('counts a part once that two processes load at the same time', async () => {
    await fill(6_000);
    const parts = await begun();
    const outcomes = await Promise.all(
      parts.slice(0, 2).flatMap((part) => [loadPart(context(), part), loadPart(context(), part)]),
    );
    expect(outcomes.sort()).toEqual(['done before', 'done before', 'loaded', 'loaded']);
    await loadAll(parts.slice(2));
    await finishParts(context(), TABLE);
    await expectEqual(6_000);
  });

  it('is ended once by two that end it at the same time', async () => {
    await fill(6_000);
    await loadAll(await begun());
    const ends = await Promise.allSettled([finishParts(context(), TABLE), finishParts(context(), TABLE)]);
    expect(ends.some((end) => end.status === 'fulfilled' && end.value.outcome === 'finished')).toBe(true);
    await finishParts(context(), TABLE);
    await expectEqual(6_000);
  });
});

describe('what is lost and left', () => {
  it('a part of a process that ends between its rows and its commit is loaded again', async () => {
    await fill(6_000);
    const parts = await begun();
    const [first] = parts;
    if (first === undefined) throw new Error('No part.');
    const end = jest.spyOn(Warehouse.prototype, 'endTransaction');
    end.mockImplementationOnce(() => Promise.reject(new Error('killed')));
    await expect(loadPart(context({ maxRetries: 1 }), first)).rejects.toThrow();
    end.mockRestore();
    expect((await beginParts(context(), TABLE)).parts).toEqual(parts);
    await loadAll(parts);
    await finishParts(context(), TABLE);
    await expectEqual(6_000);
  });

  it('what a process that slept commits of a load that was replaced does not count', async () => {
    await fill(6_000);
    const [first] = await begun();
    if (first === undefined) throw new Error('No part.');
    // It sleeps when its rows are written, just before the commit, while others begin anew and load everything.
    const commit = jest.spyOn(Writer.prototype, 'commit');
    let others: Promise<unknown> | undefined;
    commit.mockImplementationOnce(async function (this: Writer) {
      commit.mockRestore();
      others = (async () => {
        await sql('ALTER TABLE t ADD COLUMN later int DEFAULT 7');
        const anew = await beginParts(context(), TABLE);
        expect(anew.parts[0]?.load).not.toBe(first.load);
        await loadAll(anew.parts);
        await finishParts(context(), TABLE);
      })();
      await others;
      await this.commit();
    });
    expect(await loadPart(context(), first)).toBe('superseded');
    expect(others).toBeDefined();
    await expectEqual(6_000);
  });

  it('a table that is altered in the middle is begun anew', async () => {
    await fill(6_000);
    const parts = await begun();
    const [first, second] = parts;
    if (first === undefined || second === undefined) throw new Error('No part.');
    await loadPart(context(), first);
    await sql('ALTER TABLE t ADD COLUMN later int DEFAULT 7');
    expect(await loadPart(context(), second)).toBe('superseded');
    expect(await finishParts(context(), TABLE)).toEqual({ outcome: 'superseded' });
    const anew = await beginParts(context(), TABLE);
    expect(anew.parts.length).toBe(parts.length);
    await loadAll(anew.parts);
    await finishParts(context(), TABLE);
    await expectEqual(6_000);
  });

  it.each(["TRUNCATE t; INSERT INTO t SELECT i, 'again', 1, now() FROM generate_series(1, 6000) i", 'VACUUM FULL t'])(
    'a table that is rewritten in the middle is begun anew: %s',
    async (statement) => {
      await fill(6_000);
      const [first, second] = await begun();
      if (first === undefined || second === undefined) throw new Error('No part.');
      await loadPart(context(), first);
      await sql(statement);
      expect(await loadPart(context(), second)).toBe('superseded');
      const anew = await beginParts(context(), TABLE);
      if (anew.cut) await loadAll(anew.parts);
      expect((await finishParts(context(), TABLE)).outcome).toBe(anew.cut ? 'finished' : 'superseded');
      if (!anew.cut) await sync(database, onServer(database));
      await expectEqual(6_000);
    },
  );

  it("a table that another sync loads meanwhile is that sync's", async () => {
    await fill(6_000);
    const parts = await begun();
    await loadAll(parts.slice(1));
    await sync(database, onServer(database));
    expect(await finishParts(context(), TABLE)).toEqual({ outcome: 'superseded' });
    expect(await beginParts(context(), TABLE)).toEqual({ cut: false, parts: [] });
    await expectEqual(6_000);
  });

  it('a table that is dropped in the middle has no load any more', async () => {
    await fill(6_000);
    const parts = await begun();
    const [first] = parts;
    if (first === undefined) throw new Error('No part.');
    await sql('DROP TABLE t; CREATE TABLE u (id int)');
    expect(await loadPart(context(), first)).toBe('superseded');
    expect(await finishParts(context(), TABLE)).toEqual({ outcome: 'superseded' });
    expect(await read(LEFT_BEHIND)).toEqual([]);
  });
});

describe('values', () => {
  it('a column that becomes another type in some parts does so in all, and no row is lost', async () => {
    // Digits that differ from part to part, and values that no DECIMAL holds.
    await sql(`CREATE TABLE t (id int PRIMARY KEY, v text, n numeric, j jsonb);
      INSERT INTO t SELECT i, repeat(md5(i::text), 4), i + (1.0 / (10 ^ (i / 2000)))::numeric, to_jsonb(i) FROM generate_series(1, 12000) i;
      UPDATE t SET n = 'NaN' WHERE id = 11000`);
    await sql('VACUUM FULL t');
    await sql('ANALYZE t');
    const parts = await begun();
    expect(new Set(await loadAll(parts, 4))).toEqual(new Set(['loaded']));
    await finishParts(context(), TABLE);
    await expectEqual(12_000);
  });
});

describe('tables that are not cut', () => {
  it.each([
    ['without a key', 'CREATE TABLE t (id int, v text)'],
    [
      'partitioned',
      'CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE TABLE p PARTITION OF t DEFAULT',
    ],
    ['small', 'CREATE TABLE t (id int PRIMARY KEY, v text)'],
  ])('%s', async (kind, create) => {
    await sql(`${create}; INSERT INTO t SELECT i, repeat(md5(i::text), 4) FROM generate_series(1, 6000) i; ANALYZE t`);
    expect(await beginParts(context({}, kind === 'small' ? 1_000_000 : 100_000), TABLE)).toEqual({
      cut: false,
      parts: [],
    });
  });

  it('of a lake whose catalog only one process may open', async () => {
    await fill(6_000);
    const { settings, ...rest } = context();
    const embedded = { ...rest, settings: { ...settings, lakeCatalog: `${database.folder}/one/catalog.ducklake` } };
    expect(await beginParts(embedded, TABLE)).toEqual({ cut: false, parts: [] });
    expect(await finishParts(embedded, TABLE)).toEqual({ outcome: 'superseded' });
  });
});
