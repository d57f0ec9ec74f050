/** A server that cannot be reached, or that does not let the role in: exit 3, quickly, with what to check. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { complaints, expectPresentable, LIBPQ_LINE } from '../../helpers/fault-report';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';

const WRONG = 'wr0ng;pa55}word{"\'';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await database.client.query('CREATE TABLE things (id int PRIMARY KEY)');
});
afterAll(() => database.drop());

async function sync(overrides: Readonly<Record<string, string>>): Promise<CliResult> {
  const configuration = writeConfiguration(database, { max_retries: '2', ...overrides });
  const result = await runCli(['sync', '--configuration', configuration]);
  expectPresentable(result, [database.password, WRONG]);
  // The configuration file holds the password by right, and nothing else may.
  for (const name of readdirSync(database.folder).filter((it) => it !== 'configuration.json')) {
    const bytes = readFileSync(join(database.folder, name));
    for (const secret of [database.password, WRONG]) expect(bytes.includes(secret)).toBe(false);
  }
  return result;
}

async function refusedPort(): Promise<string> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return String(port);
}

const attempts = (result: CliResult): number => result.stdout.match(/Schema discovery failed, attempt/g)?.length ?? 0;

it('an unknown host: exit 3 at once', async () => {
  const result = await sync({ host: 'no-such-host.invalid' });
  expect(result.code).toBe(3);
  expect(complaints(result)).toEqual([
    expect.stringMatching(/The name "no-such-host\.invalid" cannot be resolved: there is no such host.*Check "host"/),
  ]);
  expect(attempts(result)).toBe(0);
});

it('a refused port: tried again, then exit 3', async () => {
  const port = await refusedPort();
  const result = await sync({ port });
  expect(result.code).toBe(3);
  expect(complaints(result)).toEqual([
    expect.stringMatching(`port ${port} failed: Connection refused .*Check "host" and "port"`),
  ]);
  expect(attempts(result)).toBe(1);
});

it('a server that accepts and says nothing: exit 3, within the time to connect', async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  try {
    const result = await sync({ port: String((silent.address() as AddressInfo).port), max_retries: '1' });
    expect(result.code).toBe(3);
    expect(complaints(result).join()).toMatch(/did not answer for 15 s/);
  } finally {
    silent.close();
  }
});

it('a server that ends each connection just after the login: tried again, then exit 3', async () => {
  const message = (type: string, body: string): Buffer => {
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, Buffer.from(body)]);
  };
  const ending = createServer((socket) => {
    socket.on('error', () => undefined);
    // Protocol 3.0: the first message has its length and a code, which asks for TLS or begins the login.
    socket.on('data', (data) => {
      if (data.length === 8) socket.write('N');
      else {
        const died = 'SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0';
        socket.end(Buffer.concat([message('R', '\0\0\0\0'), message('Z', 'I'), message('E', died)]));
      }
    });
  });
  await new Promise<void>((resolve) => ending.listen(0, '127.0.0.1', resolve));
  try {
    const result = await sync({ port: String((ending.address() as AddressInfo).port) });
    expect(result.code).toBe(3);
    expect(complaints(result).filter((line) => !LIBPQ_LINE.test(line))).toEqual([
      expect.stringMatching(/server closed the connection unexpectedly|terminating connection/),
    ]);
    expect(attempts(result)).toBe(1);
  } finally {
    ending.close();
  }
});

it.each<[what: string, overrides: Record<string, string>, said: RegExp]>([
  [
    'a wrong password',
    { password: WRONG },
    /password authentication failed for user .*\. Check "username" and "password"/,
  ],
  ['an unknown role', { username: 'nobody_here' }, /"nobody_here".*\. Check "username" and "password"/],
  ['a server without TLS', { sslmode: 'require' }, /does not support SSL.*\. Check "sslmode"/],
  ['a missing database', { database: 'nothing_here' }, /database "nothing_here" does not exist .*\. Check "database"/],
])('%s: exit 3 at once, without another attempt', async (_what, overrides, said) => {
  const result = await sync(overrides);
  expect(result.code).toBe(3);
  expect(complaints(result)).toEqual([expect.stringMatching(said)]);
  // Accounts get locked by repeated attempts.
  expect(attempts(result)).toBe(0);
});

it('a role that may not connect: exit 3 and a sentence', async () => {
  const role = `stranger_${randomBytes(4).toString('hex')}`;
  await database.client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x1y2z3'`);
  await database.client.query(`REVOKE CONNECT ON DATABASE ${database.name} FROM PUBLIC`);
  try {
    const result = await sync({ username: role, password: 'x1y2z3' });
    expect(result.code).toBe(3);
    expect(complaints(result)).toEqual([expect.stringMatching(`GRANT CONNECT ON DATABASE "${database.name}" TO `)]);
  } finally {
    await database.client.query(`GRANT CONNECT ON DATABASE ${database.name} TO PUBLIC`);
    await database.client.query(`DROP ROLE ${role}`);
  }
});

it('a server without a connection to spare: tried again until there is one', async () => {
  const role = `crowd_${randomBytes(4).toString('hex')}`;
  await database.client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x1y2z3' CONNECTION LIMIT 1`);
  await database.client.query(`GRANT SELECT ON things TO ${role}`);
  const occupant = await database.connect({ user: role, password: 'x1y2z3' });
  try {
    const full = await sync({ username: role, password: 'x1y2z3' });
    expect(full.code).toBe(3);
    expect(complaints(full)).toEqual([expect.stringMatching(/too many connections.*Lower "custom_threads"/)]);
    expect(attempts(full)).toBe(1);
  } finally {
    await occupant.end();
  }
  // A server counts a connection until its process has ended, a moment after the client has closed it.
  const sessions = `SELECT FROM pg_stat_activity WHERE usename = '${role}'`;
  while ((await database.client.query(sessions)).rowCount !== 0) await delay(5);
  const free = await sync({ username: role, password: 'x1y2z3' });
  expect(free.code).toBe(0);
  await database.client.query(`DROP OWNED BY ${role}`);
  await database.client.query(`DROP ROLE ${role}`);
});
