/** Partitions and children under row-level security: what is sent is what the role selects from the table. */
import { join } from 'node:path';
import { runRound } from '../../../src/fivetran/reference-client/platform';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { configurationFor, startService, type TestService } from '../../helpers/fivetran/service';
import { value } from '../../helpers/fivetran/warehouses';

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createDatabase();
  service = await startService();
});
afterAll(async () => {
  await service?.stop();
  await database?.drop();
});

it('all rows of a table whose parts have policies, and those that its own policies show, at every sync', async () => {
  const { client } = database;
  const name = `reader_${database.name}`;
  const role = client.escapeIdentifier(name);
  await client.query(`
    CREATE TABLE parted (id int PRIMARY KEY, half bool) PARTITION BY RANGE (id);
    CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (101);
    CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (101) TO (1000);
    CREATE TABLE parent (id int, half bool); CREATE TABLE child () INHERITS (parent);
    INSERT INTO parted SELECT i, i % 2 = 0 FROM generate_series(1, 199) i;
    INSERT INTO parent SELECT i, i % 2 = 0 FROM generate_series(1, 100) i;
    INSERT INTO child SELECT i, i % 2 = 0 FROM generate_series(101, 199) i;
    CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role};
    ALTER TABLE parted_1 ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON parted_1 USING (half);
    ALTER TABLE parent ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON parent USING (half)`);
  const warehousePath = join(database.folder, 'platform.db');
  const options = {
    address: service.address,
    configuration: configurationFor(database, { username: name, password: 'secret' }),
    warehousePath,
    statePath: join(database.folder, 'platform-state.json'),
  };
  const live = async (): Promise<string[]> => {
    expect((await runRound(options)).breaches).toEqual([]);
    const count = (table: string): Promise<string> =>
      value(warehousePath, `SELECT count(*) FROM tester.${table} WHERE NOT _fivetran_deleted`);
    return [await count('source_public_parted'), await count('source_public_parent')];
  };
  try {
    expect(await live()).toEqual(['199', '99']);
    await client.query('ALTER TABLE parted ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON parted USING (half)');
    expect(await live()).toEqual(['99', '99']);
    await client.query('ALTER TABLE parent DISABLE ROW LEVEL SECURITY; DELETE FROM parted WHERE id = 2');
    expect(await live()).toEqual(['98', '199']);
  } finally {
    await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});
