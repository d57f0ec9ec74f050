/** Certificates: what a comparison has proven, compared with a warehouse later, without the source. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { checkCertificate, makeCertificate, readCertificate, writeCertificate } from '../../../src/app/certificate';
import { runVerify } from '../../../src/app/verify-run';
import type { Certificate } from '../../../src/model/certificate';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { sync } from '../sync';

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE t (id int PRIMARY KEY, v text, n numeric, f float8, at timestamptz);
    INSERT INTO t SELECT i, 'v' || i, i / 3.0, i / 3.0, now() FROM generate_series(1, 500) i;
    CREATE TABLE bag (v text); INSERT INTO bag VALUES ('a'), ('a'), (NULL); CREATE TABLE empty (id int PRIMARY KEY)`);
  await sync(database);
});
afterEach(() => database.drop());

async function certify(): Promise<Certificate> {
  const settings = settingsFor(database);
  const signal = new AbortController().signal;
  const report = await runVerify(settings, { logger: SILENT, signal, show: 0, sample: 1 });
  const path = join(database.folder, 'proofs/proof.json');
  writeCertificate(path, makeCertificate(report, settings, '9.9.9', new Date(0)));
  return readCertificate(path);
}

/** Checks without a source: there is none at that address. */
async function check(certificate: Certificate): Promise<Record<string, string>> {
  const { tables } = await checkCertificate(settingsFor(database, { host: 'nowhere.invalid', port: 1 }), certificate, {
    signal: new AbortController().signal,
  });
  return Object.fromEntries(tables.map(({ key, outcome, problem }) => [key, problem ?? outcome]));
}

async function tamper(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(join(database.folder, 'warehouse.db'));
  const connection = await instance.connect();
  await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
}

it('says what was proven, and the same warehouse is equal to it, whatever has become of the source', async () => {
  const certificate = await certify();
  expect(certificate).toMatchObject({
    made_at: '1970-01-01T00:00:00.000Z',
    pgsluice: '9.9.9',
    schema: 'tester',
    not_certified: [],
  });
  expect(certificate.tables.map(({ table, rows }) => [table, rows])).toEqual([
    ['public.bag', 3],
    ['public.empty', 0],
    ['public.t', 500],
  ]);
  for (const { checksum, snapshot_xmin: xmin } of certificate.tables)
    expect([checksum, xmin]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), expect.stringMatching(/^\d+$/)]);
  await database.client.query('DROP TABLE t');
  expect(await check(certificate)).toEqual({ 'public.bag': 'equal', 'public.empty': 'equal', 'public.t': 'equal' });
});

it('differs from a warehouse with other values, rows, columns or tables', async () => {
  const certificate = await certify();
  const outcomeAfter = async (sql: string): Promise<string | undefined> => {
    await tamper(sql);
    return (await check(certificate))['public.t'];
  };
  expect(await outcomeAfter(`UPDATE tester.source_public_t SET f = f + 0.1 WHERE id = 7`)).toBe(
    'It has as many rows as the certificate says, with other values.',
  );
  expect(await outcomeAfter(`DELETE FROM tester.source_public_t WHERE id = 7`)).toBe(
    'It has other rows than the certificate says.',
  );
  expect(await outcomeAfter(`ALTER TABLE tester.source_public_t DROP COLUMN f`)).toBe(
    'The warehouse lacks columns of the certificate: f.',
  );
  expect(await outcomeAfter(`DROP TABLE tester.source_public_t`)).toBe(
    'The warehouse lacks the table tester.source_public_t.',
  );
});

it('certifies nothing of a table that differs, and is refused where it is none', async () => {
  await database.client.query('DELETE FROM t WHERE id = 1');
  const certificate = await certify();
  expect(certificate.tables.map(({ table }) => table)).toEqual(['public.bag', 'public.empty']);
  expect(certificate.not_certified).toEqual([{ table: 'public.t', outcome: 'different' }]);
  const path = join(database.folder, 'none.json');
  for (const [text, sentence] of [
    ['{', /is not JSON/],
    ['{"format": "pgsluice-certificate-2"}', /is no certificate of this version/],
    [JSON.stringify({ ...certificate, tables: [{}] }), /is no certificate of this version/],
  ] as const) {
    writeFileSync(path, text);
    expect(() => readCertificate(path)).toThrow(sentence);
  }
  expect(() => readCertificate(join(database.folder, 'nowhere.json'))).toThrow(/cannot be read/);
  expect(() => writeCertificate(database.folder, certificate)).toThrow(/cannot be written/);
  expect(readFileSync(join(database.folder, 'proofs/proof.json'), 'utf8')).not.toContain(database.password);
});
