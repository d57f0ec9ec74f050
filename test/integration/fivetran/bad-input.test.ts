import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createDemoDatabase } from '../../helpers/demo-database';
import type { TestDatabase } from '../../helpers/postgres';
import { Applier } from '../../helpers/fivetran/applier/applier';
import { update as updateInto } from '../../helpers/fivetran/applier/session';
import { WireClient } from '../../helpers/fivetran/applier/wire';
import { configurationFor, startService, type TestService } from '../../helpers/fivetran/service';

let database: TestDatabase;
let service: TestService;
let configuration: Record<string, string>;

beforeAll(async () => {
  database = await createDemoDatabase();
  service = await startService();
  configuration = configurationFor(database, { table_filters: 'public.suppliers, public.returns' });
});
afterAll(async () => {
  await service?.stop();
  await database?.drop();
});
// Whatever came before, the service is there for the next one.
afterEach(async () => {
  await expect(service.client.call('ConfigurationForm', {})).resolves.toBeDefined();
});

interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly messages: Record<string, unknown>[];
}

async function update(request: object): Promise<Outcome> {
  const messages: Record<string, unknown>[] = [];
  try {
    for await (const received of service.client.update({ configuration, ...request })) {
      messages.push((received as { message: Record<string, unknown> }).message);
    }
    return { code: status.OK, details: '', messages };
  } catch (error) {
    const { code, details } = error as ServiceError;
    return { code, details, messages };
  }
}

const selection = (tables: object[], includeNew = false): object => ({
  selection: { without_schema: { tables, include_new_tables: includeNew } },
});
const table = (name: string, columns: Record<string, boolean> = {}, more: object = {}): object => ({
  included: true,
  table_name: name,
  columns,
  include_new_columns: true,
  ...more,
});

describe('a configuration', () => {
  it.each([
    ['nothing at all', {}, /^host is missing; fill in the field "Host"\. port is missing/],
    ['an unknown key', { hots: 'db' }, /The option "hots" \(the connection\) is unknown; did you mean "host"\?/],
    ['an empty key', { '': 'x' }, /An option without a name was given \(the connection\); remove it\./],
    ['a port that is none', { port: 'many' }, /port \(the connection\) must be a whole number from 1 to 65535/],
    ['a placeholder', { host: 'YOUR_POSTGRES_HOST' }, /still holds the placeholder/],
    [
      'a driver that is a path',
      { driver: '/tmp/own.so' },
      /driver \(the connection\) must be the name of an installed/,
    ],
    ['options in a file', { table_options: '/etc/hostname' }, /table_options \(the connection\) must be JSON, no path/],
    ['a port out of range', { port: '65536', custom_threads: '1000' }, /port .* from 1 to 65535, not .*custom_threads/],
    ['with_schema that is neither', { with_schema: 'perhaps' }, /with_schema \(the connection\) must be true or false/],
  ])('with %s is refused with a sentence', async (_what, wrong, sentence) => {
    const given = Object.keys(wrong).length === 0 ? {} : { ...configuration, ...wrong };
    const { code, details } = await update({ configuration: given });
    expect(code).toBe(status.INVALID_ARGUMENT);
    expect(details).toMatch(sentence);
    await expect(service.client.call('Schema', { configuration: given })).rejects.toMatchObject({ details });
  });

  it('with a wrong password is UNAUTHENTICATED, and no message or log line has the password', async () => {
    await database.client.query(`CREATE ROLE locked LOGIN PASSWORD 'right one'`);
    const { code, details } = await update({
      configuration: { ...configuration, username: 'locked', password: 'wrong horse battery' },
    });
    expect(code).toBe(status.UNAUTHENTICATED);
    expect(`${details}\n${service.lines.join('')}`).not.toContain('wrong horse battery');
    await database.client.query('DROP ROLE locked');
  });

  it.each([
    ['port', { port: '1' }, /port 1 cannot be reached \(ECONNREFUSED\)/],
    ['host', { host: 'no-such-host.invalid' }, /The name no-such-host\.invalid cannot be resolved/],
  ])('with a %s that is not there is UNAVAILABLE at once, without a retry', async (_what, wrong, sentence) => {
    // With these retries it would take minutes.
    const given = { ...configuration, ...wrong, max_retries: '5', retry_sleep_seconds: '30' };
    const { code, details } = await update({ configuration: given });
    expect(code).toBe(status.UNAVAILABLE);
    expect(details).toMatch(sentence);
    await expect(service.client.call('Test', { name: 'connection', configuration: given })).resolves.toMatchObject({
      failure: expect.stringMatching(sentence) as string,
    });
  });

  it('with options of the command line is taken without them', async () => {
    const { code } = await update({
      configuration: { ...configuration, warehouse_path: '/nowhere/x.db', destination: 'duckdb' },
    });
    expect(code).toBe(status.OK);
    expect(service.lines.join('')).toContain('The option warehouse_path is one of the command line');
  });
});

describe('a state', () => {
  it.each([
    ['that is not JSON', '{"version": 1', /^state_json is not JSON\. Send the state of the last checkpoint/],
    ['that is a list', '[]', /^state_json is not a JSON object/],
    ['of someone else', '{"cursor": "abc"}', /^state_json is not one of pgsluice/],
    ['of a later version', '{"version": 99, "tables": {}}', /^state_json is of version 99/],
    ['with a damaged entry', '{"version": 1, "tables": {"public.x": {"rows": -1}}}', /damaged entry for public\.x/],
    ['of 10 MB', JSON.stringify({ version: 1, tables: {}, filler: 'x'.repeat(10_000_001) }), /10\.0 MB long/],
  ])('%s is refused', async (_what, state, sentence) => {
    const { code, details } = await update({ state_json: state });
    expect(code).toBe(status.INVALID_ARGUMENT);
    expect(details).toMatch(sentence);
  });

  it('of the Python connector is accepted, with a full load and a line that says so', async () => {
    const state = { last_updated_at: '2025-01-01T00:00:00+00:00', suppliers: '2025-01-01T00:00:00.123+00:00' };
    const { code, messages } = await update({ state_json: JSON.stringify(state) });
    expect(code).toBe(status.OK);
    expect(operations(messages)).toContain('TRUNCATE source_public_suppliers');
    expect(service.lines.join('')).toMatch(
      /state is that of the Python connector \(1 table\).*loaded in full once more/,
    );
  });

  it.each([undefined, '', '{}'])('that is empty (%j) is a first sync', async (state) => {
    const { code, messages } = await update(state === undefined ? {} : { state_json: state });
    expect(code).toBe(status.OK);
    expect(messages.at(-1)).toHaveProperty('checkpoint');
  });
});

describe('a selection', () => {
  it('that names a table which does not exist is refused', async () => {
    const { code, details } = await update(selection([table('source_public_nothing')]));
    expect(code).toBe(status.INVALID_ARGUMENT);
    expect(details).toMatch(/^The selection names table source_public_nothing, which does not exist\. Call Schema/);
  });

  it('that names a column which does not exist is refused', async () => {
    const { code, details } = await update(
      selection([table('source_public_suppliers', { name: true, shoe_size: true })]),
    );
    expect(code).toBe(status.INVALID_ARGUMENT);
    expect(details).toMatch(/^The selection names column shoe_size of source_public_suppliers/);
  });

  it('of nothing is called so, and not blamed on the filters', async () => {
    const { code, messages } = await update(selection([]));
    expect(code).toBe(status.OK);
    expect(JSON.stringify(messages)).toMatch(/None of the database's \d+ tables is selected\./);
  });

  it('that was changed is called so', async () => {
    const columns = (rating: boolean): object => selection([table('source_public_suppliers', { rating })]);
    const first = await update(columns(true));
    const state = (first.messages.at(-1)?.['checkpoint'] as { state_json: string }).state_json;
    await update({ ...columns(false), state_json: state });
    expect(service.lines.join('')).toContain('public.suppliers has changed: column rating is no longer selected.');
  });

  it('of two tables of one name is told of with_schema', async () => {
    await database.client.query(`
      CREATE SCHEMA a; CREATE SCHEMA a_b; CREATE TABLE a.b_c (id int PRIMARY KEY); CREATE TABLE a_b.c (id int PRIMARY KEY)`);
    const { messages } = await update({ configuration: { ...configuration, table_filters: 'a.b_c, a_b.c' } });
    const said = JSON.stringify(messages);
    expect(said).toMatch(/would be called source_a_b_c in the destination, .*Set \\"with_schema\\" to true/);
    await database.client.query('DROP SCHEMA a CASCADE; DROP SCHEMA a_b CASCADE');
  });

  it('of the other form is refused', async () => {
    const { code, details } = await update({ selection: { with_schema: { schemas: [], include_new_schemas: true } } });
    expect(code).toBe(status.INVALID_ARGUMENT);
    expect(details).toMatch(/made with_schema, but the tables are described without_schema/);
  });

  it('of a table that was dropped since its last sync is a warning', async () => {
    await database.client.query(
      'CREATE TABLE public.passing (id int PRIMARY KEY); INSERT INTO public.passing VALUES (1)',
    );
    const wide = { ...configuration, table_filters: 'public.passing, public.returns' };
    const chosen = selection([table('source_public_passing'), table('source_public_returns')], true);
    const first = await update({ configuration: wide, ...chosen });
    expect(first.code).toBe(status.OK);
    await database.client.query('DROP TABLE public.passing');
    const state = (first.messages.at(-1)?.['checkpoint'] as { state_json: string }).state_json;
    const second = await update({ configuration: wide, ...chosen, state_json: state });
    expect(second.code).toBe(status.OK);
    expect(JSON.stringify(second.messages)).toContain('can no longer be read; its rows stay as they are');
  });

  it('leaves out tables and columns, new ones too unless it includes them, and keeps keys', async () => {
    const { messages } = await update(
      selection([
        table('source_public_suppliers', { id: false, name: true, rating: false }, { include_new_columns: false }),
        { included: false, table_name: 'postgres_table' },
      ]),
    );
    const names = new Set(operations(messages).map((text) => text.split(' ')[1]));
    expect([...names]).toEqual(['source_public_suppliers']);
    const upserts = records(messages).filter(({ type }) => type === undefined);
    expect(upserts.length).toBeGreaterThan(0);
    for (const { data } of upserts) expect(Object.keys(data ?? {}).sort()).toEqual(['id', 'name']);

    const all = await update(selection([{ included: false, table_name: 'source_public_suppliers' }], true));
    const others = new Set(operations(all.messages).map((text) => text.split(' ')[1]));
    expect([...others].sort()).toEqual(['postgres_column', 'postgres_table', 'source_public_returns']);
  });
});

describe('a client', () => {
  it('that sends more than the limit gets RESOURCE_EXHAUSTED', async () => {
    const { code, details } = await update({ state_json: 'x'.repeat(40_000_000) });
    expect(code).toBe(status.RESOURCE_EXHAUSTED);
    expect(details).toMatch(/larger than max/);
  });

  it('whose message limit is too small is told apart from one that cancels', async () => {
    await database.client.query(
      "CREATE TABLE public.long (id int PRIMARY KEY, t text); INSERT INTO public.long VALUES (1, repeat('x', 5000000))",
    );
    const small = new WireClient(service.address, 4 * 1024 * 1024);
    const end = await updateInto(small, new Applier(), {
      configuration: { ...configuration, table_filters: 'public.long' },
    });
    small.close();
    expect(end.outcome).toBe('failed');
    while (!service.lines.join('').includes('A message of 5.0 MB was sent to it')) await delay(20);
    expect(service.lines.join('')).toContain('a gRPC client takes 4 MiB unless told otherwise');
    await database.client.query('DROP TABLE public.long');
  });

  it.each(['Test', 'Schema', 'Update'])('that sends %s something that is no message gets a status', async (method) => {
    const client = new Client(service.address, credentials.createInsecure());
    const bytes = (message: Buffer): Buffer => message;
    const error = await new Promise<ServiceError | null>((resolve) =>
      client.makeUnaryRequest(
        `/fivetran_sdk.v2.SourceConnector/${method}`,
        bytes,
        bytes,
        // Field 15 of wire type 7, which there is not.
        Buffer.from('7f', 'hex'),
        resolve,
      ),
    );
    client.close();
    expect(error?.code).toBe(status.INTERNAL);
    expect(error?.details).toMatch(/deserializ/i);
  });

  it('that speaks HTTP/1 is turned away', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(service.port, 'localhost', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
      let text = '';
      socket.on('data', (data) => (text += data.toString('latin1')));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).not.toContain('200 OK');
  });

  it('that asks for a test which does not exist gets a sentence', async () => {
    await expect(service.client.call('Test', { name: 'luck', configuration })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'There is no test "luck". Ask ConfigurationForm for the names of the tests.',
    });
  });
});

interface SentRecord {
  readonly table_name: string;
  readonly type?: string;
  readonly data?: Record<string, unknown>;
}

function records(messages: readonly Record<string, unknown>[]): SentRecord[] {
  return messages.flatMap((message) => (message['records'] as { records: SentRecord[] } | undefined)?.records ?? []);
}

function operations(messages: readonly Record<string, unknown>[]): string[] {
  return records(messages).map(({ type, table_name: name }) => `${type ?? 'UPSERT'} ${name}`);
}
