/** A pass over changes that failed after it had changed rows: no other table's commit shows what it has left. */
import { ConnectorError } from '../../../src/common/errors';
import { KeyComparison } from '../../../src/engine/passes/key-comparison';
import type { TableRun } from '../../../src/engine/plan';
import { Writer } from '../../../src/engine/write/writer';
import { dropSlot, setUpLog, startLogServer } from '../../helpers/log-server';
import { createDatabase, rangesMissing, type PostgresServer, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';
import { inLake, openEmbedded } from '../../helpers/lake-world';

let server: PostgresServer;
let database: TestDatabase;
beforeAll(async () => {
  server = await startLogServer();
});
afterAll(async () => {
  await server.close();
});
beforeEach(async () => {
  database = await createDatabase({ server });
  await database.client.query(`
    CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a SELECT i, 'old' FROM generate_series(1, 400) i;
    CREATE TABLE b (id int PRIMARY KEY, v text); INSERT INTO b SELECT i, 'old' FROM generate_series(1, 400) i; ANALYZE`);
});
afterEach(async () => {
  await dropSlot(database);
  await database.drop();
});

/** The first rows of each table, with how many of them are there. */
async function seen(): Promise<unknown[][]> {
  const lake = await openEmbedded(database);
  try {
    return await lake.rows(`
      SELECT 'a', v, count(*)::INT FROM tester.source_public_a WHERE NOT _fivetran_deleted GROUP BY 2
      UNION ALL SELECT 'b', v, count(*)::INT FROM tester.source_public_b WHERE NOT _fivetran_deleted GROUP BY 2 ORDER BY ALL`);
  } finally {
    lake.close();
  }
}

const CHANGE = `UPDATE a SET v = 'new' WHERE id <= 100; DELETE FROM a WHERE id > 300; UPDATE b SET v = 'new' WHERE id <= 50`;
const OLD_A = ['a', 'old', 400];
const NEW_B = [
  ['b', 'new', 50],
  ['b', 'old', 350],
];
const NEW = [['a', 'new', 100], ['a', 'old', 200], ...NEW_B];

/** Reading goes wrong when the table has been changed: only a fault of the source leaves what was written before. */
function refusing<T extends { [K in M]: (run: TableRun, ...rest: never[]) => Promise<unknown> }, M extends keyof T>(
  of: T,
  method: M,
  times: number,
): void {
  const original = of[method];
  let left = times;
  of[method] = async function (this: T, run: TableRun, ...rest: never[]) {
    if (run.key === 'public.a' && (left -= 1) >= 0)
      throw new ConnectorError('The source refused it.', { code: 'refused', kind: 'source', retryable: true });
    return await original.call(this, run, ...rest);
  } as T[M];
  restore = () => {
    of[method] = original;
  };
}
let restore = (): void => undefined;
afterEach(() => restore());

const FAULTS: readonly [mode: 'auto' | 'log', refuse: (times: number) => void][] = [
  ['auto', (times) => refusing(KeyComparison.prototype, 'collect', times)],
  ['log', (times) => refusing(Writer.prototype, 'batch', times)],
];
// Without ranges a table is read whole, and no keys are compared.
const POSSIBLE = FAULTS.filter(([mode]) => mode === 'log' || rangesMissing() === undefined);

describe.each(POSSIBLE)('mode %s', (syncMode, refuse) => {
  beforeEach(async () => {
    if (syncMode === 'log') await setUpLog(database);
    expect((await sync(database, inLake(database, { syncMode }))).failures).toEqual({});
    await database.client.query(CHANGE);
  });

  it('a pass that fails for good leaves its table as it was, and the others are committed', async () => {
    refuse(Infinity);
    const { failures } = await sync(database, inLake(database, { syncMode, maxRetries: 2 }));
    expect(Object.keys(failures)).toEqual(['public.a']);
    expect(await seen()).toEqual([OLD_A, ...NEW_B]);
    restore();
    expect((await sync(database, inLake(database, { syncMode }))).failures).toEqual({});
    expect(await seen()).toEqual(NEW);
  });

  it('one that succeeds at its second attempt is there whole', async () => {
    refuse(1);
    const { failures } = await sync(database, inLake(database, { syncMode }));
    expect(failures).toEqual({});
    expect(await seen()).toEqual(NEW);
  });
});
