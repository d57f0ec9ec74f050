/** Streams cut at the messages whose order matters: what is resumed ends with the source's rows, whatever the client kept. */
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { Applier } from '../applier/applier';
import { afterTruncate, differences, update, type Cut } from '../applier/session';
import { WireClient } from '../applier/wire';
import { configurationFor, startService, type TestService } from '../service';

jest.setTimeout(120_000);

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
  expect((await differences(database.client, applier, { id: T, sql: 'public.t', key, columns })).slice(0, 5)).toEqual([]);
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

describe.each([true, false])('TRUNCATE, a cut, and a next Update that decides for changes (the rest applied: %s)', (applyRest) => {
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
});
