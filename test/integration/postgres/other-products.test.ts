/** Servers that speak the protocol and are not PostgreSQL: named in one sentence, at once. */
import { openSource } from '../../../src/app/source-connection';
import { answers } from '../../../src/postgres/connection/server-answer';
import { startStandIn, type StandInOptions } from '../../helpers/stand-in-server';
import { settingsFor } from '../../helpers/settings';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';

const quiet = { debug: () => {}, info: () => {}, warning: () => {}, severe: () => {} };

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

/** What a connection to it ends with. */
async function refusal(options: StandInOptions): Promise<unknown> {
  const server = await startStandIn(options);
  const manager = openSource(settingsFor(database, { host: server.host, port: server.port }), quiet, 1);
  try {
    return await manager.lease().then(
      () => 'connected',
      (error: unknown) => error,
    );
  } finally {
    await manager.close();
    await server.close();
  }
}

const missing = (what: string): { state: string; message: string } => ({ state: '42883', message: `unknown ${what}` });

it.each([
  ['PostgreSQL 12.3, compiled by Visual C++ build 1914, 64-bit, QuestDB', 'QuestDB'],
  ['PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2, Redshift 1.0.77467', 'Amazon Redshift'],
  ['CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu, built 2024/05/15 21:28:29, go1.22.2)', 'CockroachDB'],
  ['PostgreSQL 8.2.23 server protocol using H2 2.2.224 (2023-09-17)', 'H2'],
])('what lacks a function of the first statement is asked who it is: %s', async (version, name) => {
  const answer = (sql: string): ReturnType<StandInOptions['answer']> =>
    sql === 'SELECT version() AS product' ? version : missing('function set_config');
  expect(await refusal({ answer })).toMatchObject({
    code: 'not_postgresql',
    kind: 'configuration',
    retryable: false,
    message: expect.stringMatching(
      `^The server is ${name}, not PostgreSQL, and only PostgreSQL can be read exactly`,
    ) as unknown,
  });
});

it('what answers the first statement is recognised, too, and need not know a GSSENCRequest', async () => {
  const answer = (): string => 'PostgreSQL 18.6 (PGlite 0.5.14) on wasm32-unknown-emscripten';
  expect(await refusal({ answer, knowsGssenc: false })).toMatchObject({
    code: 'not_postgresql',
    message: expect.stringMatching(/^The server is PGlite, not PostgreSQL/) as unknown,
  });
});

it('what does not even say who it is', async () => {
  expect(await refusal({ answer: () => missing('function') })).toMatchObject({
    code: 'not_postgresql',
    message: expect.stringMatching(
      /^The server speaks PostgreSQL's protocol and is not PostgreSQL: unknown function/,
    ) as unknown,
  });
});

it('a server that waits after a GSSENCRequest answers all the same', async () => {
  const server = await startStandIn({ answer: () => '', knowsGssenc: false });
  expect(await answers(server, 20_000)).toBe(true);
  await server.close();
});
