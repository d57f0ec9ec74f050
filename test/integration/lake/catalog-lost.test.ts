/** The server of the catalog stops in the middle of a sync: one sentence, and the next sync goes on. */
import { createDestination } from '../../../src/destinations/registry';
import { runVerify } from '../../../src/app/verify-run';
import {
  connectionString,
  createDatabase,
  rangesMissing,
  startServer,
  type PostgresServer,
  type TestDatabase,
} from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { CALM, sync } from '../sync';
import { inLake } from '../../helpers/lake-world';

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };

let server: PostgresServer;
let database: TestDatabase;
beforeAll(async () => {
  server = await startServer();
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'old' FROM generate_series(1, 8000) i; ANALYZE`);
});
afterAll(async () => {
  await database.drop();
  await server.close();
});

// Without ranges a table is read whole, and no changes are applied.
const POINTS = ['write', ...(rangesMissing() === undefined ? (['applyChanges'] as const) : []), 'putState'] as const;
it.each(POINTS)('in %s', async (point) => {
  const settings = inLake(database, {
    lakeCatalog: connectionString(server, 'postgres'),
    lakeDataPath: `${database.folder}/lake-data`,
  });
  await database.client.query(
    `UPDATE t SET v = '${point}' WHERE id % 3 = 0; DELETE FROM t WHERE id % 1000 = ${point.length}`,
  );
  const destination = createDestination(settingsFor(database, settings), CALM.memoryAvailableBytes, SILENT);
  let stopped = false;
  const lose = async (): Promise<void> => {
    if (!stopped) await server.stop();
    stopped = true;
  };
  const original = destination[point].bind(destination) as (...parameters: unknown[]) => Promise<void>;
  // A write that finds the server gone, or one that was written when it went.
  destination[point] = async (...parameters: unknown[]) => {
    if (point === 'write') await lose();
    await original(...parameters);
    await lose();
  };
  await expect(sync(database, { ...settings, syncMode: 'auto' }, { destination })).rejects.toMatchObject({
    code: 'lake_lost',
    kind: 'destination',
    message: expect.stringMatching(/^The catalog of the lake .* was lost: /) as string,
  });
  expect(stopped).toBe(true);
  await server.start();
  expect((await sync(database, { ...settings, syncMode: 'auto' })).failures).toEqual({});
  const signal = new AbortController().signal;
  const verified = await runVerify(settingsFor(database, settings), { logger: SILENT, signal, show: 0, sample: 1 });
  expect(verified.tables.map(({ key, outcome }) => [key, outcome])).toEqual([['public.t', 'equal']]);
});
