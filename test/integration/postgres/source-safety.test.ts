import { openSource } from '../../../src/app/source-connection';
import { runChecks } from '../../../src/app/check/run-checks';
import { discoverAndPlan, withSource } from '../../../src/app/pipeline';
import type { Settings } from '../../../src/config/settings';
import type { SyncPlan } from '../../../src/model/plan';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDemoDatabase } from '../../helpers/demo-database';
import { createDatabase, serverMajor, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { sync } from '../sync';
import type { Client } from 'pg';
import { setTimeout } from 'node:timers/promises';

const silent = { debug: () => {}, info: () => {}, warning: () => {}, severe: () => {} };
const context = { logger: silent, signal: new AbortController().signal };
let roles = 0;

async function planSync(settings: Settings): Promise<SyncPlan> {
  return await withSource(settings, silent, 1, async (manager) => {
    return (await discoverAndPlan({ manager, settings, ...context })).plan;
  });
}

/** A role of the server for one test; its name is no test's business. */
async function createRole(database: TestDatabase, password = 'secret'): Promise<string> {
  roles += 1;
  const name = `reader_${process.pid}_${roles}_${Date.now()}`;
  await database.client.query(`CREATE ROLE ${name} LOGIN PASSWORD ${database.client.escapeLiteral(password)}`);
  return name;
}

describe('what the source notices', () => {
  test('discovery takes the same number of statements for 3 tables as for 200', async () => {
    const database = await createDatabase();
    try {
      await database.client.query('CREATE EXTENSION pg_stat_statements');
      const role = await createRole(database);
      const create = async (from: number, to: number): Promise<void> => {
        await database.client.query(`DO $$ BEGIN FOR i IN ${from} .. ${to} LOOP
          EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, v text); GRANT SELECT ON t%1$s TO ${role}', i); END LOOP; END $$`);
      };
      const statements = async (tables: number): Promise<number> => {
        await database.client.query('SELECT pg_stat_statements_reset()');
        const plan = await planSync(settingsFor(database, { username: role, password: 'secret' }));
        expect(plan.tables).toHaveLength(tables);
        const { rows } = await database.client.query<{ calls: number }>(
          `SELECT sum(calls)::int AS calls FROM pg_stat_statements WHERE userid = '${role}'::regrole`,
        );
        return rows[0]?.calls ?? 0;
      };
      await create(1, 3);
      const few = await statements(3);
      await create(4, 200);
      expect(few).toBeGreaterThan(0);
      expect(await statements(200)).toBe(few);
      await database.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    } finally {
      await database.drop();
    }
  });

  test('no lock is stronger than ACCESS SHARE, and nothing is written', async () => {
    const database = await createDemoDatabase(20_000);
    try {
      const modes = new Set<string>();
      const writes = new Set<string>();
      await sync(
        database,
        { customBatchSize: 200, customQueueSize: 200 },
        {
          beforeWrite: async () => {
            // During its login PostgreSQL itself locks the database for each client, so that nobody drops it (InitPostgres).
            const { rows } = await database.client.query<{ mode: string; xid: string | null }>(
              `SELECT l.mode, a.backend_xid::text AS xid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
               WHERE a.application_name = 'pgsluice' AND a.datname = current_database() AND l.locktype <> 'virtualxid'
                 AND NOT (l.locktype = 'object' AND l.classid = 'pg_database'::regclass)`,
            );
            for (const { mode, xid } of rows) {
              modes.add(mode);
              if (xid !== null) writes.add(xid);
            }
          },
        },
      );
      expect([...modes]).toEqual(['AccessShareLock']);
      expect([...writes]).toEqual([]);
    } finally {
      await database.drop();
    }
  });

  test('a table under a strong lock delays discovery no longer than lock_timeout_seconds', async () => {
    const database = await createDatabase();
    try {
      await database.client.query(
        'CREATE TABLE free (id int PRIMARY KEY); INSERT INTO free VALUES (1); CREATE TABLE held (id int PRIMARY KEY)',
      );
      const other = await database.connect();
      await other.query('BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE');
      const { failures } = await sync(database, { lockTimeoutSeconds: 0.2, maxRetries: 2 });
      expect(Object.keys(failures)).toEqual(['public.held']);
      expect(failures['public.held']).toMatch(/lock timeout.*"lock_timeout_seconds"/);
      await other.query('ROLLBACK');
      expect((await sync(database)).failures).toEqual({});
    } finally {
      await database.drop();
    }
  });
});

describe('a table that another session has locked', () => {
  const LOCK = 'BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE';
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createDatabase();
    await database.client.query(`
      CREATE TABLE free (id int PRIMARY KEY, doubled int GENERATED ALWAYS AS (id * 2) STORED); INSERT INTO free VALUES (1);
      CREATE TABLE held (id int PRIMARY KEY, at timestamptz DEFAULT now(), n serial, t text DEFAULT 'a' || 1)`);
  });
  afterEach(() => database.drop());

  /** The waiting would never end. */
  const forEver = { lockTimeoutSeconds: 0, maxRetries: 1 };

  test.each([
    ['holds', async (other: Client) => await other.query(LOCK)],
    [
      'waits for',
      async (other: Client) => {
        const reader = await database.connect();
        await reader.query('BEGIN; SELECT FROM held');
        void other.query(LOCK).catch(() => undefined);
        const waiting = 'SELECT FROM pg_locks WHERE NOT granted AND relation = $1::regclass';
        while ((await database.client.query(waiting, ['held'])).rowCount === 0) await setTimeout(5);
      },
    ],
  ])('is not waited for where it is filtered out, when that one %s the lock', async (_, lock) => {
    await lock(await database.connect());
    const { failures, report } = await sync(database, { ...forEver, tableFilters: ['free'] });
    expect([failures, report.rows]).toEqual([{}, 1]);
    const plan = await planSync(settingsFor(database, forEver));
    const held = plan.tables.find(({ table }) => table.name === 'held')?.table;
    expect(held?.columns.map(({ defaultExpression }) => defaultExpression)).toEqual([
      null,
      'now()',
      "nextval('public.held_n_seq'::regclass)",
      "('a'::text || 1)",
    ]);
  });

  test('waits for its lock like any other where it has a stored generated column, and fails alone and by name', async () => {
    await database.client.query(`
      ALTER TABLE held ADD later int GENERATED ALWAYS AS (id + 1) STORED; INSERT INTO held VALUES (7)`);
    const other = await database.connect();
    await other.query(LOCK);
    const { failures, report } = await sync(database, { lockTimeoutSeconds: 0.2, maxRetries: 1 });
    expect([Object.keys(failures), report.rows]).toEqual([['public.held'], 1]);
    expect(failures['public.held']).toMatch(/lock timeout.*"lock_timeout_seconds"/);
    // The lock goes while the table waits for it.
    const waited = await sync(database, forEver, {
      beforeReading: async () => {
        setImmediate(() => void other.query('ROLLBACK'));
        await Promise.resolve();
      },
    });
    expect(waited.failures).toEqual({});
    await withWarehouse(database, async (warehouse) => {
      expect(await warehouse.rows('SELECT id, later FROM tester.source_public_held')).toEqual([[7, 8]]);
    });
    const described = async (): Promise<unknown[]> =>
      await withWarehouse(database, async (warehouse) => {
        const sql = `SELECT column_default FROM tester.postgres_column WHERE column_name = 'later' ORDER BY timestamp`;
        return (await warehouse.rows(sql)).flat();
      });
    expect(await described()).toEqual([null, null]);
    // Then its expression is known, and is described; not knowing it again says nothing new.
    await sync(database);
    expect(await described()).toEqual([null, null, '(id + 1)']);
    await other.query(LOCK);
    setImmediate(() => void other.query('ROLLBACK'));
    await sync(database, forEver);
    expect(await described()).toEqual([null, null, '(id + 1)']);
  });

  if (serverMajor() >= 18)
    test('fails alone and by name where it has a virtual column, whose expression cannot be read', async () => {
      await database.client.query('ALTER TABLE held ADD later int GENERATED ALWAYS AS (id + 1) VIRTUAL');
      await (await database.connect()).query(LOCK);
      const { failures, report } = await sync(database, forEver);
      expect(failures).toEqual({
        'public.held':
          'Another session holds a strong lock on public.held, so that what its virtual column "later" is made of cannot be read. ' +
          'Run the sync again when that session has ended.',
      });
      expect(report.rows).toBe(1);
    });

  test('is no obstacle to check', async () => {
    await database.client.query('INSERT INTO held VALUES (1)');
    await (await database.connect()).query(LOCK);
    const found: string[] = [];
    const configuration = { path: '/nowhere', error: undefined, warnings: [] };
    await runChecks(settingsFor(database, forEver), configuration, context.signal, ({ item }) => void found.push(item));
    expect(found).toContain('tables');
    expect(found).toContain('disk');
  });
});

describe('what the role may and how it is set up', () => {
  test('CONNECT, USAGE and SELECT are enough, and show every key', async () => {
    const database = await createDemoDatabase(3_000);
    try {
      const role = await createRole(database);
      const name = database.client.escapeIdentifier(database.name);
      await database.client.query(`
        REVOKE ALL ON DATABASE ${name} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC;
        GRANT CONNECT ON DATABASE ${name} TO ${role}; GRANT USAGE ON SCHEMA public, archive TO ${role};
        GRANT SELECT ON ALL TABLES IN SCHEMA public, archive TO ${role}`);
      const login = { username: role, password: 'secret' };
      const keys = async (settings: Parameters<typeof settingsFor>[1]): Promise<unknown[]> => {
        const plan = await planSync(settingsFor(database, settings));
        return plan.tables.map(({ table }) => [table.schema, table.name, table.primaryKey]).sort();
      };
      const seen = await keys(login);
      expect(seen).toEqual(await keys({}));
      expect(seen).toContainEqual(['public', 'order_items', ['order_id', 'line']]);
      expect((await sync(database, login)).failures).toEqual({});
      await withWarehouse(database, async (warehouse) => {
        for (const name of ['order_items', 'customers', 'events', 'audit_log']) {
          const comparison = await compareTable(database.client, warehouse, { schema: 'public', name });
          expect({ name, ...comparison }).toEqual({ name, ...same(comparison.rows) });
        }
      });
      await database.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    } finally {
      await database.drop();
    }
  });

  test('SELECT on a partitioned table alone is enough to read it, its partitions in another schema or not', async () => {
    const database = await createDatabase();
    try {
      const role = await createRole(database);
      await database.client.query(`
        CREATE SCHEMA hidden;
        CREATE TABLE public.measured (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
        CREATE TABLE hidden.measured_1 PARTITION OF public.measured FOR VALUES FROM (1) TO (500);
        CREATE TABLE public.measured_2 PARTITION OF public.measured DEFAULT;
        INSERT INTO public.measured SELECT i, E'v\\x1f' || i FROM generate_series(1, 2000) i;
        GRANT SELECT ON public.measured TO ${role}; ANALYZE`);
      const { failures } = await sync(database, { username: role, password: 'secret' });
      expect(failures).toEqual({});
      await withWarehouse(database, async (warehouse) => {
        expect(await compareTable(database.client, warehouse, { schema: 'public', name: 'measured' })).toEqual(
          same(2_000),
        );
      });
      await database.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    } finally {
      await database.drop();
    }
  });

  test("the role's own settings change nothing", async () => {
    const database = await createDemoDatabase(3_000);
    try {
      const role = await createRole(database);
      const odd: Readonly<Record<string, string>> = {
        DateStyle: 'SQL, DMY',
        TimeZone: 'Asia/Kolkata',
        IntervalStyle: 'sql_standard',
        search_path: 'shadow, pg_catalog, public',
        bytea_output: 'escape',
        extra_float_digits: '-15',
        standard_conforming_strings: 'off',
        default_transaction_isolation: 'serializable',
        default_transaction_read_only: 'off',
        lc_monetary: 'C',
        client_min_messages: 'debug1',
        // Not less: it holds for the driver's own statements of the login, on a busy machine too.
        statement_timeout: '20s',
        lock_timeout: '1',
        idle_in_transaction_session_timeout: '1',
        xmlbinary: 'hex',
        enable_tidscan: 'off',
        row_security: 'on',
        array_nulls: 'off',
        quote_all_identifiers: 'on',
      };
      for (const [setting, value] of Object.entries(odd)) {
        const quoted = setting === 'search_path' ? value : `'${value}'`;
        await database.client.query(`ALTER ROLE ${role} SET ${setting} = ${quoted}`);
      }
      // Functions that would stand in for built-in ones if search_path were believed.
      await database.client.query(`
        CREATE SCHEMA shadow;
        CREATE FUNCTION shadow.octet_length(text) RETURNS int LANGUAGE sql AS $$ SELECT 0 $$;
        CREATE FUNCTION shadow.pg_backend_pid() RETURNS int LANGUAGE sql AS $$ SELECT 0 $$;
        CREATE FUNCTION shadow.obj_description(oid, name) RETURNS text LANGUAGE sql AS $$ SELECT 'shadow' $$;
        CREATE FUNCTION shadow.keep_first(text, text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'shadow' $$;
        CREATE AGGREGATE shadow.string_agg(text, text) (sfunc = shadow.keep_first, stype = text);
        CREATE TABLE public.payments (id int PRIMARY KEY, at timestamptz, local timestamp, span interval, tiny float8, body bytea, ratio real, amount money, kind regtype);
        INSERT INTO public.payments SELECT i, timestamptz '2024-03-31 01:30:00+00' + i * interval '7 minutes', timestamp '2024-02-03' + i * interval '1 day',
          i * interval '-1 day 02:03:04.5', 0.1 + i / 3.0, decode(md5(i::text), 'hex'), i / 7.0, i, 'pg_class' FROM generate_series(1, 200) i;
        GRANT USAGE ON SCHEMA public, archive, shadow TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA public, archive TO ${role}`);
      expect((await sync(database, { username: role, password: 'secret', customBatchSize: 50 })).failures).toEqual({});
      await withWarehouse(database, async (warehouse) => {
        for (const name of ['payments', 'customers', 'products', 'suppliers', 'events', 'audit_log', 'Order Detail']) {
          const comparison = await compareTable(database.client, warehouse, { schema: 'public', name });
          expect({ name, ...comparison }).toEqual({ name, ...same(comparison.rows) });
        }
      });
      const manager = openSource(settingsFor(database, { username: role, password: 'secret' }), silent, 1);
      const session = await manager.lease();
      const [shown] = await session.query(`SELECT pg_catalog.current_setting('statement_timeout') AS timeout`, {
        doing: 'testing',
      });
      expect(shown).toEqual({ timeout: '10min' });
      await manager.close();
      await database.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    } finally {
      await database.drop();
    }
  });
});
