/** Hardened servers revoke functions and views from all roles: each loss is logged once, and everything is synced. */
import { runChecks } from '../../../src/app/check/run-checks';
import { runVerify } from '../../../src/app/verify-run';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { sync } from '../sync';

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };

const IDENTITY = 'changes are not tracked, and every table is read whole at each sync';
const SNAPSHOT = 'each table is read by one connection only';
const FILES = 'tables are read with a cursor';
const STATISTICS = 'columns that allow NULL are not chosen as replication keys';
const TRANSACTIONS = 'other transactions are not seen';

const DENIED: readonly (readonly [object: string, lost: string | undefined])[] = [
  ['FUNCTION pg_control_system()', IDENTITY],
  ['FUNCTION pg_control_checkpoint()', undefined],
  ['FUNCTION pg_current_wal_lsn()', IDENTITY],
  ['FUNCTION pg_walfile_name(pg_lsn)', IDENTITY],
  ['FUNCTION pg_export_snapshot()', SNAPSHOT],
  ['FUNCTION pg_relation_size(regclass)', FILES],
  ['FUNCTION pg_relation_size(regclass,text)', FILES],
  ['FUNCTION pg_table_size(regclass)', FILES],
  ['FUNCTION pg_relation_filenode(regclass)', FILES],
  ['FUNCTION pg_stat_get_activity(int4)', TRANSACTIONS],
  ['FUNCTION pg_prepared_xact()', TRANSACTIONS],
  ['FUNCTION pg_show_all_settings()', undefined],
  ['FUNCTION pg_cancel_backend(int4)', undefined],
  ['FUNCTION pg_sleep(float8)', undefined],
  ['FUNCTION pg_lock_status()', undefined],
  ['TABLE pg_locks', undefined],
  ['TABLE pg_database', IDENTITY],
  ['TABLE pg_stats', STATISTICS],
  ['TABLE pg_stat_activity', TRANSACTIONS],
  ['TABLE pg_stat_ssl', undefined],
  ['TABLE pg_prepared_xacts', TRANSACTIONS],
  ['TABLE pg_roles', undefined],
  ['TABLE pg_settings', undefined],
  ['TABLE pg_user', undefined],
];

const statement = (object: string): string => {
  const [kind, name] = [object.slice(0, object.indexOf(' ')), object.slice(object.indexOf(' ') + 1)];
  return kind === 'FUNCTION'
    ? `REVOKE EXECUTE ON FUNCTION pg_catalog.${name} FROM PUBLIC`
    : `REVOKE ALL ON pg_catalog.${name} FROM PUBLIC`;
};

let database: TestDatabase;
let login: { readonly username: string; readonly password: string };
beforeEach(async () => {
  database = await createDatabase();
  login = { username: `role_${database.name}`, password: 'secret-of-the-role' };
  await database.client.query(`
    CREATE ROLE ${login.username} LOGIN PASSWORD '${login.password}';
    CREATE TABLE t (id int PRIMARY KEY, v text, updated_at timestamptz NOT NULL DEFAULT now()); CREATE INDEX ON t (updated_at);
    INSERT INTO t SELECT i, repeat('x', 500) || i FROM generate_series(1, 6000) i;
    CREATE TABLE u (id int PRIMARY KEY, v text); INSERT INTO u SELECT i, 'u' || i FROM generate_series(1, 3000) i;
    CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100); CREATE TABLE p2 PARTITION OF p DEFAULT;
    INSERT INTO p SELECT generate_series(1, 1000);
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${login.username}; ANALYZE`);
});
afterEach(async () => {
  await database.client.query(`DROP OWNED BY ${login.username}; DROP ROLE ${login.username}`);
  await database.drop();
});

const READ = { customBatchSize: 500, customThreads: 2, batchBytes: 65_536, syncMode: 'auto' } as const;

async function expectSynced(lost: readonly string[]): Promise<void> {
  for (const change of [
    'SELECT',
    `UPDATE t SET v = 'new', updated_at = now() WHERE id < 20; UPDATE u SET v = 'new' WHERE id = 3000; DELETE FROM p WHERE id = 5`,
  ]) {
    await database.client.query(change);
    const { failures, lines } = await sync(database, { ...READ, ...login, reconcileEvery: 1 });
    expect(failures).toEqual({});
    const warnings = lines.filter((line) => line.startsWith('WARNING'));
    expect(warnings.map((line) => lost.find((what) => line.includes(what)) ?? line)).toEqual(lost);
  }
  const settings = settingsFor(database, { ...READ, ...login });
  const context = { logger: SILENT, signal: new AbortController().signal, show: 0, sample: 1 };
  const { tables } = await runVerify(settings, context);
  expect(tables.map(({ key, outcome, error }) => [key, error?.describe() ?? outcome]).sort()).toEqual(
    ['public.p', 'public.t', 'public.u'].map((key) => [key, 'equal']),
  );
  const findings = await runChecks(
    settings,
    { path: '', error: undefined, warnings: [] },
    context.signal,
    () => undefined,
  );
  expect(findings.filter(({ item, status }) => status === 'failure' && item !== 'addon')).toEqual([]);
  const said = findings.map(({ message }) => message).join('\n');
  for (const what of lost) expect(said).toContain(what);
}

test.each(DENIED.filter(([, lost]) => lost !== undefined))('without %s: %s', async (object, lost) => {
  await database.client.query(statement(object));
  await expectSynced(lost === undefined ? [] : [lost]);
});

test('without anything else: nothing is lost', async () => {
  for (const [object, lost] of DENIED) if (lost === undefined) await database.client.query(statement(object));
  await expectSynced([]);
});

test('without all of it', async () => {
  for (const [object] of DENIED) await database.client.query(statement(object));
  await expectSynced([IDENTITY, SNAPSHOT, FILES, STATISTICS, TRANSACTIONS]);
});
