/** A lake in Azure's store: over HTTPS, and for whoever Azure finds us to be. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AUTHORITY, SERVER_CERTIFICATE, SERVER_KEY } from '../../helpers/certificates';
import { runCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { complaints, expectPresentable } from '../../helpers/fault-report';
import { AZ, startObjectStore } from '../../helpers/object-store';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { describeWhere, freePort } from '../../helpers/server-process';
import { EXTENSIONS } from '../../helpers/settings';

type Environment = Readonly<Record<string, string | undefined>>;

describeWhere(AZ.missing, 'a lake in Azure', () => {
  let database: TestDatabase;
  let server: ChildProcess | undefined;
  let port: number;
  beforeAll(async () => {
    database = await createDatabase();
    await database.client.query(
      `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'one' FROM generate_series(1, 1000) i; ANALYZE`,
    );
    // It makes the container, and leaves its data for the server with a certificate. It writes them every few seconds.
    const store = await startObjectStore(AZ, database.folder);
    const data = join(database.folder, 'objects-az', '__azurite_db_blob__.json');
    while (!existsSync(data) || !readFileSync(data, 'utf8').includes('warehouse')) await delay(100);
    await store.kill();
    port = await freePort();
    server = await startWithCertificate();
  });
  afterAll(async () => {
    server?.kill('SIGKILL');
    await database.drop();
  });

  async function startWithCertificate(): Promise<ChildProcess> {
    const file = (name: string, content: string): string => {
      writeFileSync(join(database.folder, name), content);
      return join(database.folder, name);
    };
    const { parameters, env } = AZ.command(join(database.folder, 'objects-az'), port);
    const tls = ['--cert', file('server.crt', SERVER_CERTIFICATE), '--key', file('server.key', SERVER_KEY)];
    const ends = join(__dirname, '../../helpers/until-stdin-ends.js');
    const child = spawn(process.execPath, ['--require', ends, ...parameters, ...tls], {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { ...process.env, ...env },
    });
    while (!(await listens(port))) {
      if (child.exitCode !== null) throw new Error(`Azurite has ended with ${child.exitCode}.`);
      await delay(50);
    }
    return child;
  }

  const run = async (args: readonly string[], name: string, env: Environment): Promise<CliResult> => {
    const configuration = writeConfiguration(database, {
      destination: 'ducklake',
      lake_catalog: join(database.folder, name, 'catalog.ducklake'),
      lake_extensions: EXTENSIONS,
    });
    const result = await runCli([...args, '--configuration', configuration], { env });
    expectPresentable(result, [database.password]);
    return result;
  };
  const at = (path: string): readonly string[] => ['--lake-data-path', `az://warehouse/${path}`];
  const overHttps = (): string =>
    (AZ.env(`localhost:${port}`)['AZURE_STORAGE_CONNECTION_STRING'] ?? '').replaceAll('http', 'https');

  it('is written over HTTPS, with the authorities that CURL_CA_INFO names', async () => {
    const authority = join(database.folder, 'authority.crt');
    writeFileSync(authority, AUTHORITY);
    const env = { AZURE_STORAGE_CONNECTION_STRING: overHttps(), CURL_CA_INFO: authority };
    expect((await run(['sync', ...at('tls')], 'tls', env)).code).toBe(0);
    expect((await run(['verify'], 'tls', env)).code).toBe(0);
    expect((await run(['maintain'], 'tls', env)).code).toBe(0);
  });

  it("the system's own authorities are asked where nothing is said, and one that they do not know is refused", async () => {
    const refused = await run(['sync', ...at('stranger')], 'stranger', {
      AZURE_STORAGE_CONNECTION_STRING: overHttps(),
      CURL_CA_INFO: undefined,
    });
    expect({ code: refused.code, said: complaints(refused) }).toEqual({
      code: 5,
      // The authorities were found; without them it would be "Problem with the SSL CA cert".
      said: [expect.stringMatching(/^The object store of the lake cannot be used: .*issuer certificate/)],
    });
    expect(existsSync(join(database.folder, 'stranger', 'catalog.ducklake'))).toBe(false);
  });

  it('with the name of an account alone, `az` is asked who we are; exit 5 and a sentence where nobody says it', async () => {
    const programs = join(database.folder, 'programs');
    mkdirSync(programs);
    const asked = join(programs, 'asked');
    writeFileSync(join(programs, 'az'), `#!/bin/sh\necho "$@" >> ${asked}\nexit 1\n`);
    chmodSync(join(programs, 'az'), 0o755);
    const refused = await run(['sync', ...at('nobody')], 'nobody', {
      AZURE_STORAGE_ACCOUNT: 'lakes',
      AZURE_STORAGE_CONNECTION_STRING: undefined,
      PATH: `${programs}:${process.env['PATH'] ?? ''}`,
    });
    expect({ code: refused.code, said: complaints(refused) }).toEqual({
      code: 5,
      said: [expect.stringMatching(/^This host has no credentials for the object store of the lake\. Set AZURE_/)],
    });
    expect(readFileSync(asked, 'utf8')).toMatch(/^account get-access-token .*storage\.azure\.com/);
  });
});

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
