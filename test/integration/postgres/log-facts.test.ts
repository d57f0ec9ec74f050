import type { Client } from 'pg';
import { discover } from '../../../src/postgres/catalog';
import { Session } from '../../../src/postgres/connection/session';
import { readLogFacts, whyNotCovered, type LogFacts } from '../../../src/postgres/log';
import { tableKey } from '../../../src/model/table';
import { openSource } from '../../../src/app/source-connection';
import {
  createDatabase,
  serverMajor,
  startServer,
  testServer,
  type PostgresServer,
  type TestDatabase,
} from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };
const NAMES = { slotName: 'pgsluice_test', publicationName: 'pgsluice' };

let server: PostgresServer;
let database: TestDatabase;
let client: Client;
beforeAll(async () => {
  server = await startServer({
    // Reading through SQL needs no walsender.
    flags: { wal_level: 'logical', max_wal_senders: '0', max_replication_slots: '4' },
  });
});
afterAll(() => server.close());
beforeEach(async () => {
  database = await createDatabase({ server });
  client = database.client;
});
afterEach(async () => {
  await client.query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots`);
  await database.drop();
});

async function withSession<T>(action: (session: Session) => Promise<T>, login: object = {}): Promise<T> {
  const manager = openSource(settingsFor(database, login), SILENT, 1);
  try {
    return await action(await manager.lease(new AbortController().signal));
  } finally {
    await manager.close();
  }
}

const facts = (login: object = {}, names = NAMES): Promise<LogFacts> =>
  withSession((session) => readLogFacts(session, names, undefined), login);

/** By table: why it is not covered, and what helps. */
async function gaps(): Promise<Readonly<Record<string, string | undefined>>> {
  return await withSession(async (session) => {
    const { tables } = await discover(session, undefined, { includeViews: true, typeMode: 'exact' });
    const oids = tables.map(({ oid }) => oid);
    const found = await readLogFacts(session, NAMES, undefined, oids);
    return Object.fromEntries(
      tables.map((table) => {
        const gap = whyNotCovered(table, found);
        return [
          tableKey(table),
          gap === undefined ? undefined : `${gap.reason}${gap.remedy === undefined ? '' : ` -> ${gap.remedy}`}`,
        ];
      }),
    );
  });
}

it('knows a server without slot and publication', async () => {
  expect(await facts()).toMatchObject({
    server: {
      walLevel: 'logical',
      standby: false,
      maxReplicationSlots: 4,
      usedReplicationSlots: 0,
      maxSlotWalKeepBytes: -1,
      mayReplicate: true,
      superuser: true,
      serviceRole: null,
      database: database.name,
    },
    slot: null,
    otherSlots: [],
    publication: null,
  });
  expect((await facts()).server.currentLsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
});

it('knows the shared server, whose log is minimal', async () => {
  expect(testServer().port).not.toBe(server.port);
  const { host, port, user, password } = testServer();
  const found = await facts({ host, port, username: user, password, database: 'postgres' });
  expect(found).toMatchObject({ server: { walLevel: 'minimal' }, slot: null, publication: null });
});

it('knows our slot, what it retains, and others of ours', async () => {
  await client.query('CREATE TABLE t (id int PRIMARY KEY, v text)');
  await client.query(`
    SELECT pg_create_logical_replication_slot('pgsluice_test', 'pgoutput');
    SELECT pg_create_logical_replication_slot('pgsluice_elder', 'pgoutput');
    SELECT pg_create_logical_replication_slot('somebody', 'test_decoding')`);
  await client.query(`INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 2000) i`);
  // With synchronous_commit off, the end of the log is a moment behind.
  await client.query('CHECKPOINT');
  const found = await facts();
  expect(found.slot).toMatchObject({
    plugin: 'pgoutput',
    type: 'logical',
    database: database.name,
    active: false,
    activePid: null,
    ...(serverMajor() >= 13 ? { walStatus: 'reserved' } : { walStatus: null }),
    invalidationReason: null,
  });
  expect(found.slot?.retainedBytes).toBeGreaterThan(2_000_000);
  expect(found.otherSlots.map(({ name }) => name)).toEqual(['pgsluice_elder']);
  expect(found.server.usedReplicationSlots).toBe(3);
  expect((await facts({}, { ...NAMES, slotName: 'somebody' })).slot).toMatchObject({ plugin: 'test_decoding' });
});

it("knows a role's right: by its attribute, or by a service's own role", async () => {
  await client.query(`
    CREATE ROLE plain LOGIN PASSWORD 'p'; CREATE ROLE follower LOGIN REPLICATION PASSWORD 'p';
    CREATE ROLE rds_replication; CREATE ROLE managed LOGIN PASSWORD 'p' IN ROLE rds_replication`);
  try {
    for (const [username, mayReplicate] of [
      ['plain', false],
      ['follower', true],
      ['managed', true],
    ] as const) {
      const { server: found } = await facts({ username, password: 'p' });
      expect(found).toMatchObject({ mayReplicate, superuser: false, user: username, serviceRole: 'rds_replication' });
    }
  } finally {
    await client.query('DROP ROLE plain, follower, managed, rds_replication');
  }
});

it('says of each table whether the log can answer for it', async () => {
  await client.query(`
    CREATE TABLE covered (id int PRIMARY KEY, v text); CREATE TABLE outside (id int PRIMARY KEY);
    CREATE TABLE keyless (v text); CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
    CREATE TABLE whole (id int PRIMARY KEY, v text); ALTER TABLE whole REPLICA IDENTITY FULL;
    CREATE TABLE nothing (id int PRIMARY KEY); ALTER TABLE nothing REPLICA IDENTITY NOTHING;
    CREATE TABLE other (id int PRIMARY KEY, code int NOT NULL UNIQUE); ALTER TABLE other REPLICA IDENTITY USING INDEX other_code_key;
    CREATE TABLE parts (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE silent (id int PRIMARY KEY) PARTITION BY RANGE (id);
    CREATE TABLE silent_1 PARTITION OF silent FOR VALUES FROM (1) TO (100); ALTER TABLE silent_1 REPLICA IDENTITY NOTHING;
    CREATE VIEW seen AS SELECT * FROM covered; CREATE MATERIALIZED VIEW kept AS SELECT * FROM covered`);
  const before = await gaps();
  expect(before['public.covered']).toBe('the publication does not exist -> Run `pgsluice log setup`.');
  await client.query(
    serverMajor() >= 13
      ? `CREATE PUBLICATION pgsluice FOR TABLE covered, whole, other, parts WITH (publish_via_partition_root = true)`
      : `CREATE PUBLICATION pgsluice FOR TABLE covered, whole, other, parts_1`,
  );
  expect(await gaps()).toEqual({
    'public.covered': undefined,
    'public.whole': undefined,
    'public.parts': undefined,
    'public.outside':
      'the publication pgsluice does not contain it -> ALTER PUBLICATION "pgsluice" ADD TABLE "public"."outside";',
    'public.keyless': 'it has no primary key',
    'public.unlogged': 'it is unlogged -> ALTER TABLE "public"."unlogged" SET LOGGED;',
    'public.nothing':
      'the replica identity of the table does not name the key column "id" -> ALTER TABLE "public"."nothing" REPLICA IDENTITY DEFAULT;',
    'public.other':
      'the replica identity of the table does not name the key column "id" -> ALTER TABLE "public"."other" REPLICA IDENTITY DEFAULT;',
    'public.silent':
      'the replica identity of its partition public.silent_1 does not name the key column "id" -> ALTER TABLE "public"."silent_1" REPLICA IDENTITY DEFAULT;',
    'public.seen': 'it is a view, whose rows are not in the log',
    'public.kept': 'it is a materialized view, whose rows are not in the log',
  });
  await client.query(`ALTER PUBLICATION pgsluice SET (publish = 'insert, update')`);
  expect((await gaps())['public.covered']).toBe(
    `the publication pgsluice leaves out deletes, truncates -> ALTER PUBLICATION "pgsluice" SET (publish = 'insert, update, delete, truncate');`,
  );
});

it('refuses row filters and column lists that hide changes', async () => {
  if (serverMajor() < 15) return;
  await client.query(`
    CREATE TABLE filtered (id int PRIMARY KEY, v text); CREATE TABLE narrow (id int PRIMARY KEY, v text);
    CREATE TABLE hidden (id int PRIMARY KEY, v text);
    CREATE PUBLICATION pgsluice FOR TABLE filtered WHERE (id > 0), narrow (id), hidden (v)
      WITH (publish = 'insert, truncate'); ALTER PUBLICATION pgsluice SET (publish = 'insert, update, delete, truncate')`);
  const found = await gaps();
  expect(found['public.filtered']).toMatch(
    /^a row filter of the publication pgsluice hides changes of it -> ALTER PUB/,
  );
  expect(found['public.narrow']).toBeUndefined();
  expect(found['public.hidden']).toMatch(/^a column list of the publication pgsluice leaves out its key column "id"/);
});

it('sees a publication of all tables, with partitions under either name', async () => {
  await client.query(`
    CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (100) PARTITION BY RANGE (id);
    CREATE TABLE parts_1_1 PARTITION OF parts_1 FOR VALUES FROM (1) TO (100);
    CREATE PUBLICATION pgsluice FOR ALL TABLES`);
  expect(await gaps()).toEqual({ 'public.parts': undefined });
  expect((await facts()).publication).toMatchObject({ allTables: true, viaRoot: false, ours: false, owned: true });
  if (serverMajor() < 13) return;
  await client.query('ALTER PUBLICATION pgsluice SET (publish_via_partition_root = true)');
  expect(await gaps()).toEqual({ 'public.parts': undefined });
  expect((await facts()).publication?.tables.map(({ name }) => name)).toEqual(['parts']);
});
