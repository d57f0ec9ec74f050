import type { FormField } from '../../../src/fivetran/configuration-form';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { configurationFor, startService, type TestService } from '../../helpers/fivetran/service';

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE public.notes (id int PRIMARY KEY, body text);
    CREATE ROLE tester LOGIN PASSWORD 'right one';
    GRANT SELECT ON public.notes TO tester`);
  service = await startService();
});
afterAll(async () => {
  await service?.stop();
  await database?.client.query('DROP OWNED BY tester; DROP ROLE tester');
  await database?.drop();
});

interface Answer {
  readonly success?: boolean;
  readonly failure?: string;
}

async function run(name: string, wrong: Record<string, string> = {}): Promise<Answer> {
  const configuration = configurationFor(database, { username: 'tester', password: 'right one', ...wrong });
  return await service.client.call<Answer>('Test', { name, configuration });
}

it('succeeds in each test that the form announces', async () => {
  const form = await service.client.call<{ fields: FormField[]; tests: { name: string }[] }>('ConfigurationForm', {});
  for (const { name } of form.tests)
    expect([name, await run(name)]).toEqual([name, expect.objectContaining({ success: true })]);
});

it.each([
  ['settings', { port: 'many' }, /port \(the connection\) must be a whole number from 1 to 65535/],
  ['settings', { hots: 'db' }, /The option "hots" \(the connection\) is unknown; did you mean "host"\?/],
  ['connection', { host: 'YOUR_POSTGRES_HOST' }, /still holds the placeholder/],
  ['driver', { driver: 'No Such Driver' }, /No Such Driver.*"driver"/],
  ['connection', { port: '1' }, /port 1 cannot be reached.*Check "port", and that the server runs/],
  ['connection', { host: 'no-such-host.invalid' }, /no-such-host\.invalid.*"host"/],
  ['credentials', { password: 'wrong one' }, /tester.*"password"/],
  ['credentials', { database: 'no_such_database' }, /no_such_database.*"database"/],
  [
    'sync_mode',
    { sync_mode: 'timestamp' },
    /^No table can be synced in the mode timestamp: public\.notes .*Set "sync_mode"/,
  ],
  ['sync_mode', { table_filters: 'public.nothing_at_all' }, /^No table is left by "table_filters" .*public\.notes/],
] as const)('of %s with %j says what to do', async (name, wrong, sentence) => {
  const { failure } = await run(name, wrong);
  expect(failure).toMatch(sentence);
  expect(`${failure ?? ''}\n${service.lines.join('')}`).not.toMatch(/right one|wrong one/);
});
