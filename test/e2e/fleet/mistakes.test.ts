/** Mistakes in running a fleet: one sentence, an exit code of the table, and nothing lost. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CliResult } from '../../helpers/cli';
import { createFleet, type FleetWorld } from '../../helpers/fleet-world';
import { connectionString } from '../../helpers/postgres';

const CLOCK = join(__dirname, 'other-clock.js');

let world: FleetWorld;
beforeAll(async () => {
  world = await createFleet(['acme', 'globex'], {
    fill: (client) => client.query('CREATE TABLE t (id int PRIMARY KEY)'),
  });
});
afterAll(() => world.close());

const fleet = (...words: string[]): Promise<CliResult> => world.run(words);
const fails = async (result: Promise<CliResult>, code: number, sentence: RegExp): Promise<void> => {
  const { stderr, ...rest } = await result;
  expect(stderr).toMatch(sentence);
  expect(rest.code).toBe(code);
};

describe('a fleet refuses', () => {
  it('a word that it does not know', async () => {
    await fails(fleet('synk', 'acme'), 2, /There is no `fleet synk`\. Did you mean `fleet sync`\?/);
    await fails(fleet(), 2, /`fleet` needs a word/);
    await fails(fleet('sync'), 2, /needs the names of sources, or --all/);
  });

  it('to work before init', async () => {
    for (const words of [['work'], ['sync', '--all'], ['status'], ['cancel', 'acme'], ['maintain']])
      await fails(fleet(...words), 2, /There is no queue of a fleet in .*Run `pgsluice fleet init` once/);
  });

  it('a destination that many processes cannot write', async () => {
    await fails(fleet('init', '--destination', 'duckdb'), 2, /A fleet needs a lake .* destination duckdb/);
    await fails(fleet('init', '--lake-catalog', 'here.ducklake'), 2, /a catalog that is a file/);
  });

  it('a queue and a catalog that cannot be reached', async () => {
    const nowhere = ['--fleet-queue', 'postgresql://me:s3cret@127.0.0.1:1/none'];
    for (const action of ['init', 'work', 'status']) {
      const { code, stderr } = await fleet(action, ...nowhere);
      expect(stderr).toMatch(
        /The queue of the fleet in postgresql:\/\/me:\*\*\*@127\.0\.0\.1:1\/none cannot be reached/,
      );
      expect(stderr).not.toContain('s3cret');
      expect(code).toBe(3);
    }
    const catalog = ['--lake-catalog', 'host=127.0.0.1 port=1 dbname=none'];
    const queue = ['--fleet-queue', connectionString(world.lake, world.lake.name)];
    // The sources' own files name the lake as well.
    await fails(fleet('init', ...queue, ...catalog), 2, /lake_catalog of source acme .* is not that of/);
    mkdirSync(join(world.folder, 'elsewhere'));
    const source = { host: 'db', port: '5432', database: 'shop', username: 'reader' };
    writeFileSync(join(world.folder, 'elsewhere', 'shop.json'), JSON.stringify(source));
    const init = fleet('init', ...queue, ...catalog, '--fleet-sources', 'elsewhere');
    await fails(init, 5, /The catalog of the lake .* cannot be reached/);
  });
});

describe('after init', () => {
  beforeAll(async () => {
    const two = await Promise.all([fleet('init'), fleet('init')]);
    expect(two.map(({ code }) => code)).toEqual([0, 0]);
  });

  it('lists the sources', async () => {
    expect((await fleet('sources')).stdout).toMatch(/acme +\| on demand \| tenant_acme/);
    expect(JSON.parse((await fleet('sources', '--json')).stdout)).toMatchObject([{ name: 'acme' }, { name: 'globex' }]);
  });

  it('a source that there is not, by the nearest name', async () => {
    await fails(fleet('sync', 'acmee'), 2, /There is no source acmee in .*Did you mean acme\?/);
    await fails(fleet('cancel', 'acmee'), 2, /Did you mean acme\?/);
  });

  it('two sources of one schema, or of one name', async () => {
    world.configure('globex', { destination_schema: 'Tenant_ACME' });
    for (const action of ['init', 'work', 'sources'])
      await fails(fleet(action), 2, /acme\.json and .*globex\.json have the same destination_schema, "Tenant_ACME"/);
    world.configure('globex', { destination_schema: 'tenant_{name}', name: 'acme' });
    await fails(fleet('sources'), 2, /have the same name, "acme"/);
    world.configure('globex', { name: 'globex' });
    expect((await fleet('sources')).stdout).toMatch(/tenant_globex/);
  });

  it('a schedule that is none', async () => {
    world.configure('globex', { schedule: '61 * * * *' });
    await fails(fleet('init'), 2, /The schedule "61 \* \* \* \*" of source globex .* is no cron expression/);
    world.configure('globex', { schedule: 'hourly' });
    await fails(fleet('work'), 2, /is no cron expression: it has not five fields/);
    world.configure('globex', { schedule: '0 * * * *' });
    await fails(fleet('init', '--fleet-maintain', 'daily'), 2, /The schedule "daily" of fleet_maintain/);
  });

  it('a file that cannot be read, and a folder without any', async () => {
    const file = join(world.folder, 'sources', 'broken.json');
    writeFileSync(file, '{ "host": ');
    await fails(fleet('sources'), 2, /broken\.json is not valid JSON/);
    writeFileSync(file, '{ "host": "db" }');
    await fails(fleet('sources'), 2, /Source broken .*port is missing/);
    rmSync(file);
    await fails(fleet('sources', '--fleet-sources', 'nowhere'), 2, /nowhere, does not exist/);
    await fails(fleet('sources', '--fleet-sources', 'lake'), 2, /lake, has no configuration file/);
  });

  it('a queue of another version', async () => {
    const { client } = world.lake;
    for (const [version, sentence] of [
      [47, /is of version 47, and this pgsluice works with 46\. Use the pgsluice that the other workers use/],
      [45, /is of version 45, .* run `pgsluice fleet init` with the new version/],
    ] as const) {
      await client.query('UPDATE pgsluice_fleet.version SET version = $1', [version]);
      await fails(fleet('work'), 2, sentence);
    }
    await client.query('UPDATE pgsluice_fleet.version SET version = 47');
    await fails(fleet('init'), 2, /is of version 47/);
    await client.query('UPDATE pgsluice_fleet.version SET version = 46');
  });

  it.each([
    ['120', /The clock of this host is 1[12]\d s ahead of the clock of the queue's server/],
    ['-120', /The clock of this host is 1[12]\d s behind the clock of the queue's server/],
  ])('a clock that is %s s ahead of that of the queue', async (seconds, sentence) => {
    const result = world.worker([], { nodeArguments: ['--require', CLOCK], env: { TEST_CLOCK_SECONDS: seconds } });
    await fails(result.ended, 2, sentence);
  });

  it('to go on without the queue', async () => {
    const worker = world.worker();
    await worker.waitFor(/takes jobs of 2 sources/);
    await world.lake.client.query(
      // Other tests have fleets on the same server.
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgsluice fleet' AND datname = current_database()",
    );
    await fails(worker.ended, 3, /The queue of the fleet .* cannot be reached/);
  });
});
