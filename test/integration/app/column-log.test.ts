/** Mode log sends values as they are, so tables with columns under rules are followed only where these do not travel. */
import { join } from 'node:path';
import { parseColumnRules } from '../../../src/config/column-rules';
import { hashKeyOf } from '../../../src/model/hash-key';
import { dropSlot, makeSlot, startLogServer } from '../../helpers/log-server';
import { createDatabase, serverMajor, type PostgresServer, type TestDatabase } from '../../helpers/postgres';
import { startRecorder, type Recorder } from '../../helpers/recording';
import { sync, type SyncOutcome } from '../sync';

let server: PostgresServer;
let database: TestDatabase;
let recorder: Recorder;
beforeAll(async () => {
  server = await startLogServer();
  database = await createDatabase({ server });
  recorder = await startRecorder(database, join(database.folder, 'wire'));
  await database.client.query(`
    CREATE TABLE people (mail text PRIMARY KEY, v int); INSERT INTO people SELECT 'clear-mail-' || i, i FROM generate_series(1, 50) i;
    CREATE TABLE orders (address text, id int PRIMARY KEY, v int); INSERT INTO orders SELECT 'clear-address-' || i, i, i FROM generate_series(1, 50) i;
    CREATE TABLE plain (id int PRIMARY KEY, v int); INSERT INTO plain SELECT i, i FROM generate_series(1, 50) i`);
});
afterAll(async () => {
  await recorder.close();
  await dropSlot(database);
  await database.drop();
  await server.close();
});

const log = (): Promise<SyncOutcome> =>
  sync(database, {
    host: recorder.host,
    port: recorder.port,
    sslmode: 'disable',
    syncMode: 'log',
    columns: parseColumnRules(JSON.stringify({ mail: 'hash', address: 'exclude' }), '/'),
    hashKey: hashKeyOf(Buffer.from('a key of more than sixteen characters')),
  });

/** Whether a text has passed: by itself, or in messages of the log, which travel in base64. */
function passed(text: string): boolean {
  return [recorder.fromServer(), recorder.fromClient()].some((bytes) => {
    const texts = bytes.toString('latin1').match(/[A-Za-z0-9+/]{40,}/g) ?? [];
    const whole = texts.join('');
    // Lines of base64 are decoded together, from each of the places where a group of four may begin.
    const decoded = [0, 1, 2, 3].map((start) => Buffer.from(whole.slice(start), 'base64'));
    return [bytes, ...decoded].some((each) => each.includes(text));
  });
}

const change = async (): Promise<void> => {
  await database.client.query(
    `UPDATE people SET v = -v WHERE v BETWEEN 1 AND 5; DELETE FROM people WHERE v = 6; UPDATE orders SET v = -v WHERE id < 5; DELETE FROM orders WHERE id = 6; UPDATE plain SET v = -v WHERE id < 5`,
  );
};

const notFollowed = ({ lines }: SyncOutcome): readonly string[] =>
  lines.flatMap((line) => /WARNING public\.(\w+) is not followed in the log/.exec(line)?.slice(1) ?? []).sort();

it('values under rules do not travel with the log', async () => {
  await database.client.query('CREATE PUBLICATION pgsluice FOR TABLE people, orders, plain');
  await makeSlot(database);
  await log();
  await change();
  const outcome = await log();
  expect(outcome.failures).toEqual({});
  expect(notFollowed(outcome)).toEqual(['orders', 'people']);
  expect(outcome.lines.join('\n')).toContain('Successfully processed table public.plain: 4 records');
  expect([passed('clear-mail'), passed('clear-address')]).toEqual([false, false]);
});

it('and the others of the table are followed where the publication names the key alone', async () => {
  if (serverMajor() < 15) return void expect(serverMajor()).toBeLessThan(15);
  await database.client.query('ALTER PUBLICATION pgsluice SET TABLE people, orders (id), plain');
  await log();
  await change();
  const outcome = await log();
  expect(outcome.failures).toEqual({});
  expect(notFollowed(outcome)).toEqual(['people']);
  expect(outcome.lines.filter((line) => line.includes('compared by'))).toEqual([]);
  expect([passed('clear-mail'), passed('clear-address')]).toEqual([false, false]);
});
