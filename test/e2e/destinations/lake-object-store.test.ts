/** A lake in each kind of object store: what works on a disk works there, and what goes wrong is one sentence. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCli, startCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { compareTable, same } from '../../helpers/compare';
import { complaints, expectPresentable } from '../../helpers/fault-report';
import { AZ, GS, S3, startObjectStore, type ObjectStore } from '../../helpers/object-store';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { describeWhere } from '../../helpers/server-process';
import { EXTENSIONS } from '../../helpers/settings';
import { startProxy } from '../../helpers/tcp-proxy';
import { startTroubledStore } from '../../helpers/troubled-store';
import { openDuckDB, openLakeAt } from '../../helpers/warehouse-access';

const TROUBLES = [
  { status: 503, code: 'SlowDown', sentence: /^The object store of the lake cannot be used: .*(503|SlowDown)/ },
  {
    status: 500,
    code: 'InternalError',
    sentence: /^The object store of the lake cannot be used: .*(500|InternalError)/,
  },
  { status: 403, code: 'AccessDenied', sentence: /^The object store of the lake refuses .* rights on the bucket/ },
  { status: 403, code: 'QuotaExceeded', sentence: /^The object store of the lake is full\. Free some space/ },
  { status: 507, code: 'InsufficientStorage', sentence: /^The object store of the lake is full\. Free some space/ },
] as const;
/** As text and as Azure's keys are written. */
const WRONG_SECRET = /no-such-s3cret|bm8tc3VjaC1zM2NyZXQ/;

describe.each([S3, GS, AZ])('$scheme://', (kind) =>
  describeWhere(kind.missing, 'a lake', () => {
    let database: TestDatabase;
    let store: ObjectStore;
    beforeAll(async () => {
      database = await createDatabase();
      store = await startObjectStore(kind, database.folder);
      await database.client.query(`
      CREATE TABLE small (id int PRIMARY KEY, v text); INSERT INTO small SELECT i, 'one' FROM generate_series(1, 5000) i;
      CREATE TABLE tiny (id int PRIMARY KEY, v text); INSERT INTO tiny VALUES (1, 'one'), (2, 'one');
      CREATE TABLE big (id int PRIMARY KEY, v text NOT NULL);
      INSERT INTO big SELECT i, repeat(md5(i::text), 8000) FROM generate_series(1, 400) i; ANALYZE`);
    });
    afterAll(async () => {
      await store.kill();
      await database.drop();
    });

    const catalog = (name: string): string => join(database.folder, name, 'catalog.ducklake');
    const run = async (args: readonly string[], name: string, env: Readonly<Record<string, string>> = {}) => {
      const result = await runCli([...args, '--configuration', configured(name)], { env: { ...store.env, ...env } });
      expectPresentable(result, [database.password]);
      return result;
    };
    const configured = (name: string): string =>
      writeConfiguration(database, {
        destination: 'ducklake',
        lake_catalog: catalog(name),
        lake_extensions: EXTENSIONS,
      });
    const at = (path: string): readonly string[] => ['--lake-data-path', `${kind.scheme}://${path}`];
    const expectRefused = (result: CliResult, sentence: RegExp): void => {
      expect({ code: result.code, said: complaints(result) }).toEqual({
        code: 5,
        said: [expect.stringMatching(sentence)],
      });
    };

    /** The first test deletes some. */
    async function ofSmall(): Promise<number> {
      const { rows } = await database.client.query<{ n: number }>('SELECT count(*)::int AS n FROM small');
      return rows[0]?.n ?? 0;
    }

    /** By a client of its own. */
    async function expectSame(name: string, rows: Readonly<Record<string, number>>): Promise<void> {
      const lake = await openLakeAt(catalog(name), {
        extensions: [kind.extension],
        before: store.secret,
      });
      try {
        for (const [table, count] of Object.entries(rows))
          expect(await compareTable(database.client, lake, { schema: 'public', name: table })).toEqual(same(count));
      } finally {
        lake.close();
      }
    }

    it('takes a load, changes, a verify and a maintenance; afterwards the catalog alone says where the files are', async () => {
      const filters = ['--table-filters', 'small'];
      expect((await run(['sync', ...filters, ...at('warehouse/one')], 'one')).code).toBe(0);
      await database.client.query(`UPDATE small SET v = 'two' WHERE id % 10 = 1; DELETE FROM small WHERE id > 4900`);
      expect((await run(['sync', ...filters], 'one')).code).toBe(0);
      await expectSame('one', { small: 4900 });
      expect(await run(['verify', ...filters], 'one')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('EQUAL') as string,
      });
      const before = (await store.files()).length;
      const maintained = await run(['maintain', '--lake-retention-hours', '0'], 'one');
      expect(maintained).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/Rewrote .*\nForgot .*\nDeleted /s) as string,
      });
      expect((await store.files()).length).toBeLessThan(before);
      await expectSame('one', { small: 4900 });
      expect((await run(['status'], 'one')).stdout).toMatch(/public\.small/);
    });

    it('wrong credentials: exit 5, for a new lake and for one that is there, and nothing is lost', async () => {
      const wrong = store.wrongEnv;
      const refused = /^The object store of the lake refuses the credentials\. Check .* rights on the bucket/;
      const fresh = await run(['sync', ...at('warehouse/wrong')], 'wrong', wrong);
      expectRefused(fresh, refused);
      expect(fresh.stdout + fresh.stderr).not.toMatch(WRONG_SECRET);
      expect(existsSync(catalog('wrong'))).toBe(false);
      expect((await run(['sync', '--table-filters', 'small', ...at('warehouse/right')], 'right')).code).toBe(0);
      await database.client.query(`UPDATE small SET v = 'three' WHERE id < 50`);
      expectRefused(await run(['sync', '--table-filters', 'small'], 'right', wrong), refused);
      expect((await run(['sync', '--table-filters', 'small'], 'right')).code).toBe(0);
      await expectSame('right', { small: await ofSmall() });
    });

    it('a bucket that is not there, and a store that is not there: exit 5', async () => {
      expectRefused(
        await run(['sync', ...at('nowhere/x')], 'nowhere'),
        new RegExp(`^The bucket of the lake does not exist: ${kind.scheme}://nowhere/x`),
      );
      const gone = kind.env('127.0.0.1:1');
      expectRefused(
        await run(['sync', ...at('warehouse/gone')], 'gone', gone),
        /^The object store of the lake cannot be used: /,
      );
    });

    it('a store that is lost in the middle of a load: exit 5; when it is back, the next sync completes', async () => {
      const args = ['sync', '--configuration', configured('lost'), '--custom-threads', '1', ...at('warehouse/lost')];
      const [host = '', port] = store.endpoint.split(':');
      // The way to the store is cut. A killed Azurite would forget what it has taken in the last seconds.
      const way = await startProxy({ host, port: Number(port) });
      try {
        const running = startCli(args, { env: { ...store.env, ...kind.env(`${way.host}:${way.port}`) } });
        let over = false;
        void running.ended.then(() => (over = true));
        // The first of several: each has 32 MB of text.
        const ofBig = async (): Promise<boolean> => (await store.files()).some((name) => /lost\/.*_big\//.test(name));
        while (!over && !(await ofBig())) await delay(2);
        way.refuse();
        way.reset();
        const result = await running.ended;
        expectPresentable(result, [database.password]);
        expectRefused(result, /^The object store of the lake cannot be used: /);
      } finally {
        await way.close();
      }
      expect((await run(['sync'], 'lost')).code).toBe(0);
      await expectSame('lost', { small: await ofSmall(), big: 400 });
    });

    it('a file that is gone: its table fails with a sentence, the other one is synced, and the file mends it', async () => {
      const sync = ['sync', '--table-filters', 'small,tiny'];
      expect((await run([...sync, ...at('warehouse/hole')], 'hole')).code).toBe(0);
      // The catalog names a file that is not there, and later the right one again.
      const inCatalog = async (from: string, to: string): Promise<void> => {
        const client = await openDuckDB([]);
        await client.rows(`ATTACH '${catalog('hole')}' AS c`);
        await client.rows(`UPDATE c.ducklake_data_file SET path = replace(path, '${from}', '${to}') WHERE table_id =
          (SELECT table_id FROM c.ducklake_table WHERE table_name = 'source_public_small' AND end_snapshot IS NULL)`);
        client.close();
      };
      await inCatalog('ducklake-', 'ducklake-0');
      await database.client.query(`UPDATE tiny SET v = 'two'`);
      const sentence = new RegExp(
        `A file of the lake is gone: (?:${kind.scheme}|http)://\\S+/ducklake-0\\S+\\.parquet`,
      );
      expect(await run(sync, 'hole')).toMatchObject({ code: 5, stdout: expect.stringMatching(sentence) as string });
      expect(await run(['verify', '--table-filters', 'small,tiny'], 'hole')).toMatchObject({ code: 5 });
      await expectSame('hole', { tiny: 2 });
      await inCatalog('ducklake-0', 'ducklake-');
      expect((await run(sync, 'hole')).code).toBe(0);
      await expectSame('hole', { small: await ofSmall(), tiny: 2 });
      await inCatalog('ducklake-', 'ducklake-0');
      const left = await run(['maintain'], 'hole');
      expect(left).toMatchObject({ code: 5, stdout: expect.stringMatching(sentence) as string });
    });

    // DuckDB reads gs:// by the code of s3://.
    it.each(kind === GS ? TROUBLES.slice(0, 1) : TROUBLES)(
      'that answers writes with $status $code: exit 5, and then the next sync completes',
      async (trouble) => {
        const front = await startTroubledStore(store.endpoint);
        try {
          const env = kind.env(front.endpoint);
          const name = `trouble-${trouble.code}`;
          const sync = ['sync', '--table-filters', 'small'];
          expect((await run([...sync, ...at(`warehouse/${name}`)], name, env)).code).toBe(0);
          await database.client.query(`UPDATE small SET v = '${trouble.code}' WHERE id % 7 = 1`);
          // In the middle: the first file is written.
          front.set({ ...trouble, after: 1 });
          expectRefused(await run(sync, name, env), trouble.sentence);
          expect(front.refused).toBeGreaterThan(0);
          front.set(undefined);
          expect((await run(sync, name, env)).code).toBe(0);
          await expectSame(name, { small: await ofSmall() });
        } finally {
          await front.close();
        }
      },
    );
  }),
);
