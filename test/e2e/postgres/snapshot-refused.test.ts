/** A pooler that closes connections which join a snapshot: the first reader reads on alone. */
import { runCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { complaints, expectPresentable } from '../../helpers/fault-report';
import { createDatabase, rangesMissing, type TestDatabase } from '../../helpers/postgres';
import { describeWhere } from '../../helpers/server-process';
import { startSnapshotRefuser, type SnapshotRefuser } from '../../helpers/snapshot-refuser';

const ROWS = 120_000;
const SAID = /WARNING.* A second reader could not join the snapshot.*reads on alone: .*"custom_threads" to 1/g;

describeWhere(rangesMissing(), 'behind a pooler that closes connections which join a snapshot', () => {
  let database: TestDatabase;
  let pooler: SnapshotRefuser;
  beforeAll(async () => {
    database = await createDatabase();
    pooler = await startSnapshotRefuser(database);
    await database.client.query(`
      CREATE TABLE one (id int PRIMARY KEY, note text); CREATE TABLE two (LIKE one INCLUDING ALL);
      INSERT INTO one SELECT i, repeat('x', 60) FROM generate_series(1, ${ROWS}) i; INSERT INTO two TABLE one; ANALYZE`);
  });
  afterAll(async () => {
    await pooler.close();
    await database.drop();
  });

  // In a process of its own: while a connection is made there, no other code runs, that of this pooler included.
  const run = async (command: string): Promise<CliResult> => {
    const configuration = writeConfiguration(database, {
      host: pooler.host,
      port: String(pooler.port),
      max_retries: '1',
    });
    const result = await runCli([command, '--configuration', configuration]);
    expectPresentable(result, [database.password]);
    return result;
  };

  it('sync reads all rows, and says it once', async () => {
    const result = await run('sync');
    expect(complaints(result)).toEqual([]);
    expect(result.code).toBe(0);
    expect(result.stdout.match(/Successfully processed table public\.(one|two): 120000 records/g)).toHaveLength(2);
    expect(pooler.refusals).toBeGreaterThan(0);
    expect(result.stdout.match(SAID)).toHaveLength(1);
  });

  it('verify finds source and warehouse equal', async () => {
    expect((await run('verify')).code).toBe(0);
  });
});
