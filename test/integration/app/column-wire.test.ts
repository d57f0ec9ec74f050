/** What passes between the server and this host under rules of `columns`: no value that they cover, and no key. */
import { join } from 'node:path';
import { planInDetail } from '../../../src/app/plan/plan-details';
import { runVerify } from '../../../src/app/verify-run';
import { parseColumnRules } from '../../../src/config/column-rules';
import type { Settings } from '../../../src/config/settings';
import { runRound } from '../../../src/fivetran/reference-client/platform';
import { hashKeyOf } from '../../../src/model/hash-key';
import { configurationFor, startService } from '../../helpers/fivetran/service';
import { differences } from '../../helpers/fivetran/warehouses';
import { allOlderEnded } from '../../helpers/older-transactions';
import { createDatabase, type TestDatabase, withRanges } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { startRecorder, type Recorder } from '../../helpers/recording';
import { found, sync } from '../sync';

const SECRET = 'a key of more than sixteen characters';
const RULES = {
  mail: 'hash',
  number: 'hash',
  seen_at: 'hash',
  phone: 'mask:phone',
  card: 'mask:last:4',
  address: 'exclude',
  born: 'null',
  amount: 'mask',
};
/** Parts of the values that the rules cover, as text and as the digits of their bytes. */
const CLEAR = [
  'clear-mail',
  'clear-address',
  '5550199',
  '4111222233',
  '1911-11-11',
  '1912-12-12',
  '77777777',
  '987654321',
];
const CLEAR_DIGITS = [77_777_777, 987_654_321].map((number) => number.toString(16).padStart(8, '0'));

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };
const key = hashKeyOf(Buffer.from(SECRET));

let database: TestDatabase;
let recorder: Recorder;
let settings: Partial<Settings>;

beforeAll(async () => {
  database = await createDatabase();
  recorder = await startRecorder(database, join(database.folder, 'wire'));
  const columns = parseColumnRules(JSON.stringify(RULES), '/');
  settings = {
    host: recorder.host,
    port: recorder.port,
    sslmode: 'disable',
    syncMode: 'auto',
    columns,
    hashKey: key,
    customBatchSize: 500,
  };
  await database.client.query(`
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE people (mail text PRIMARY KEY, number int, seen_at timestamptz NOT NULL, phone text, card text, address text, born date, amount int, v int);
    CREATE INDEX ON people (seen_at);
    INSERT INTO people SELECT 'clear-mail-' || i, 77777777, '1912-12-12', '+1 5550199 ' || i, '4111222233' || lpad(i::text, 4, '0'), 'clear-address', '1911-11-11', 987654321, i FROM generate_series(1, 3000) i;
    CREATE TABLE pairs (number int, id int, address text, PRIMARY KEY (number, id)); INSERT INTO pairs SELECT 77777777, i, 'clear-address' FROM generate_series(1, 3000) i;
    CREATE TABLE bag (mail text, born date); INSERT INTO bag SELECT 'clear-mail-' || i, '1911-11-11' FROM generate_series(1, 100) i;
    CREATE VIEW looked AS SELECT mail, number, address FROM people LIMIT 10; ANALYZE`);
});
afterAll(async () => {
  await recorder?.close();
  await database?.drop();
});

/** What of the covered values and of the key has passed, either way. */
function seen(): string[] {
  const [fromServer, fromClient] = [recorder.fromServer(), recorder.fromClient()];
  const blocks = Object.values(key.settings);
  const clear = [...CLEAR, ...CLEAR_DIGITS, SECRET];
  return [
    ...[...clear, ...blocks].filter((text) => fromServer.includes(text)).map((text) => `from the server: ${text}`),
    ...clear.filter((text) => fromClient.includes(text)).map((text) => `to the server: ${text}`),
  ];
}

async function change(): Promise<void> {
  await allOlderEnded(database.client);
  await database.client.query(`
    UPDATE people SET v = -v, number = 77777777 WHERE v BETWEEN 10 AND 20; DELETE FROM people WHERE v IN (30, 31);
    INSERT INTO people (mail, seen_at, address) VALUES ('clear-mail-new-' || random(), '1912-12-12', 'clear-address');
    UPDATE pairs SET address = 'clear-address-2' WHERE id = 9; DELETE FROM pairs WHERE id = (SELECT min(id) FROM pairs); DELETE FROM bag WHERE ctid = (SELECT min(ctid) FROM bag)`);
}

async function expectEqual(): Promise<void> {
  const context = { logger: SILENT, signal: new AbortController().signal, show: 10, sample: 1 };
  const { tables } = await runVerify(settingsFor(database, settings), context);
  expect(new Set(tables.map(({ outcome }) => outcome))).toEqual(new Set(['equal']));
}

withRanges(it)('a load, passes over changes, comparisons of keys and of values, plans and checks', async () => {
  const runs: [Partial<Settings>, { reconcile?: boolean; keysOnly?: boolean }][] = [
    [{}, {}],
    [{}, {}],
    [{}, { reconcile: true }],
    [{}, { keysOnly: true }],
    [{ syncMode: 'timestamp' }, {}],
    [{ syncMode: 'full', includeViews: true }, {}],
    [{ snapshotMaxAgeSeconds: 0.001, fullResync: ['*'], customThreads: 2 }, {}],
  ];
  for (const [more, context] of runs) {
    await change();
    expect((await sync(database, { ...settings, ...more }, context)).failures).toEqual({});
    if (context.keysOnly !== true) await expectEqual();
  }
  // A comparison that finds differences reads rows one by one.
  await change();
  const context = { logger: SILENT, signal: new AbortController().signal, show: 10, sample: 1 };
  const { tables } = await runVerify(settingsFor(database, settings), context);
  expect(tables.some(({ difference }) => (difference?.rows.length ?? 0) > 0)).toBe(true);
  await planInDetail(settingsFor(database, settings), SILENT, context.signal);
  expect((await found(database, settings, 'columns')).length).toBe(1);
  expect(seen()).toEqual([]);
  // What is looked for is found where there are no rules.
  const bare = await startRecorder(database, join(database.folder, 'bare-wire'));
  try {
    await sync(database, { ...settings, port: bare.port, columns: [], warehousePath: `${database.folder}/bare.db` });
    const fromServer = bare.fromServer();
    const missed = CLEAR.filter(
      (text) => !fromServer.includes(text) && !CLEAR_DIGITS.some((digits) => fromServer.includes(digits)),
    );
    expect(missed).toEqual([]);
    expect(CLEAR_DIGITS.every((digits) => fromServer.includes(digits))).toBe(true);
  } finally {
    await bare.close();
  }
});

it('the service, whose platform receives what the command line writes', async () => {
  const service = await startService();
  try {
    const configuration = configurationFor(database, {
      host: recorder.host,
      port: String(recorder.port),
      sslmode: 'disable',
      columns: JSON.stringify(RULES),
      hash_key: SECRET,
      custom_batch_size: '500',
    });
    const warehousePath = join(database.folder, 'platform.db');
    const statePath = join(database.folder, 'platform-state.json');
    const options = { address: service.address, configuration, warehousePath, statePath };
    const commandLine = {
      ...settings,
      warehousePath: join(database.folder, 'cli.db'),
      statePath: join(database.folder, 'cli.json'),
    };
    // Behind the wire, deleted rows are found by a load only: the last round makes one.
    for (const reconcile of ['0', '0', '1']) {
      await change();
      const asked = { ...options, configuration: { ...configuration, reconcile_every: reconcile } };
      expect((await runRound(asked)).breaches).toEqual([]);
      expect((await sync(database, commandLine)).failures).toEqual({});
    }
    expect(await differences(warehousePath, commandLine.warehousePath)).toEqual([]);
    expect(seen()).toEqual([]);
    expect(service.lines.join('\n')).not.toContain(SECRET);
  } finally {
    await service.stop();
  }
});

it('the key stands in no statement, so that neither pg_stat_activity nor the log of statements show it', async () => {
  const { rows } = await database.client.query<{ query: string }>(
    `SELECT query FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database()`,
  );
  const all = rows.map(({ query }) => query).join('\n');
  // Constants are left out of it, names of settings as well.
  expect(all).toContain('pg_catalog.sha256(');
  for (const block of Object.values(key.settings)) expect(all).not.toContain(block);
  const text = recorder.fromClient().toString('latin1');
  for (const [name, block] of Object.entries(key.settings)) {
    expect(text).toContain(name);
    // A message that binds values has them after the lengths; a statement would have quotes round them.
    expect(text).toContain(block);
    expect(text).not.toContain(`'${block}'`);
  }
});
