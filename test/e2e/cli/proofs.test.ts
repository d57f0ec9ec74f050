/** Proofs by the command line: certificates, and the proofs within syncs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { runCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { allOlderEnded } from '../../helpers/older-transactions';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import type { RunSummary } from '../../../src/app/run-summary';
import type { WarehouseStatus } from '../../../src/app/status';
import type { Certificate } from '../../../src/model/certificate';

let database: TestDatabase;
let configuration: string;

beforeEach(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE orders (id int PRIMARY KEY, word text);
    INSERT INTO orders SELECT i, 'word ' || i FROM generate_series(1, 300) i;
    CREATE TABLE quiet (id int PRIMARY KEY); INSERT INTO quiet VALUES (1)`);
  await allOlderEnded(database.client);
  configuration = writeConfiguration(database);
});
afterEach(() => database.drop());

const run = (...words: string[]): Promise<CliResult> => runCli([...words, '--configuration', configuration]);

async function alter(): Promise<void> {
  const instance = await DuckDBInstance.create(join(database.folder, 'warehouse.db'));
  const connection = await instance.connect();
  await connection.run("UPDATE tester.source_public_orders SET word = 'altered' WHERE id = 7");
  connection.closeSync();
  instance.closeSync();
}

it('writes a certificate, and compares a warehouse with it without the source', async () => {
  expect((await run('sync')).code).toBe(0);
  const path = join(database.folder, 'proof.json');
  const written = await run('verify', '--certificate', path);
  expect([written.code, written.stderr]).toEqual([0, '']);
  const certificate = JSON.parse(readFileSync(path, 'utf8')) as Certificate;
  expect(certificate.tables.map(({ table, rows }) => [table, rows])).toEqual([
    ['public.orders', 300],
    ['public.quiet', 1],
  ]);
  expect(certificate.pgsluice).toMatch(/^\d+\.\d+\.\d+/);

  // The server is another one, so that nobody answers.
  const check = (...more: string[]): Promise<CliResult> => run('verify', '--check', path, ...more);
  const elsewhere = ['--host', 'nowhere.invalid'];
  const equal = await check(...elsewhere);
  expect(equal.code).toBe(0);
  expect(equal.stdout).toContain('EQUAL');
  await alter();
  const different = await check('--json', ...elsewhere);
  expect(different.code).toBe(6);
  expect(JSON.parse(different.stdout)).toMatchObject({ equal: false });

  writeFileSync(path, '{}');
  const refused = await check();
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(`The certificate ${path} is no certificate of this version of pgsluice.`);
});

it('a sync that proves tables fails one that differs, and the next one has it whole again', async () => {
  expect((await run('sync')).code).toBe(0);
  await alter();
  const failed = await run('sync', '--json', '--verify-every', '7d');
  expect(failed.code).toBe(4);
  const summary = JSON.parse(failed.stdout) as RunSummary;
  expect(summary).toMatchObject({ result: 'some_tables_failed', exitCode: 4, counts: { failed: 1 } });
  expect(summary.tables.find(({ table }) => table === 'public.orders')).toMatchObject({
    outcome: 'failed',
    error: {
      code: 'proof_failed',
      message: expect.stringContaining(
        'public.orders differs from its source in the warehouse: 1 row with other values in word.',
      ) as string,
    },
  });
  expect((await run('status')).stdout).toMatch(/public\.orders .*differs/);

  const repaired = await run('sync', '--verify-every', '7d');
  expect(repaired.code).toBe(0);
  expect(repaired.stdout).toContain('Proven equal to its source: public.orders, 300 rows');
  const { tables } = JSON.parse((await run('status', '--json')).stdout) as WarehouseStatus;
  expect(tables.map(({ provenAt, differs }) => [typeof provenAt, differs])).toEqual([
    ['string', false],
    ['string', false],
  ]);
});
