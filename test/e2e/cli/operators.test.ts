import { chmodSync, existsSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { runCli, startCli, startHeldSync, writeConfiguration, type CliResult } from '../../helpers/cli';
import { createDemoDatabase } from '../../helpers/demo-database';
import type { TestDatabase } from '../../helpers/postgres';

interface Finding {
  readonly item: string;
  readonly status: 'ok' | 'warning' | 'failure';
  readonly message: string;
  readonly advice?: string;
  readonly tables?: readonly string[];
}

interface CheckDocument {
  readonly exitCode: number;
  readonly findings: readonly Finding[];
}

interface Plan {
  readonly tables: readonly {
    readonly table: string;
    readonly pass: string;
    readonly mode: string;
    readonly estimatedSeconds: number | null;
  }[];
  readonly estimatedSeconds: number | null;
  readonly warehouseProblem: string | null;
}

interface Status {
  readonly lockedBy: string | null;
  readonly tables: readonly {
    readonly table: string;
    readonly rows: number;
    readonly lastError: { readonly message: string } | null;
  }[];
  readonly runs: readonly { readonly outcome: string; readonly rows: number; readonly seconds: number }[];
}

let database: TestDatabase;
let configuration: string;
let role: string;

beforeAll(async () => {
  database = await createDemoDatabase(20_000);
  role = `role_of_operators_${database.name}`;
  await database.client.query(`
    CREATE ROLE ${role} LOGIN PASSWORD 'operators;only' VALID UNTIL '${new Date(Date.now() + 5 * 86_400_000).toISOString()}';
    GRANT USAGE ON SCHEMA public, archive TO ${role};
    GRANT SELECT ON ALL TABLES IN SCHEMA public, archive TO ${role};
    CREATE SCHEMA "Hr"; CREATE TABLE "Hr"."Pay" (id int PRIMARY KEY);
    CREATE TABLE public.fresh AS SELECT g AS id FROM generate_series(1, 5000) g;
    GRANT SELECT ON public.fresh TO ${role};`);
  configuration = writeConfiguration(database, { username: role, password: 'operators;only' });
  chmodSync(configuration, 0o600);
});

afterAll(async () => {
  await database.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await database.drop();
});

const run = (...argv: string[]): Promise<CliResult> => runCli([...argv, '--configuration', configuration]);

async function checked(...argv: string[]): Promise<CheckDocument & { readonly code: number | null }> {
  const { code, stdout } = await run('check', '--json', ...argv);
  return { code, ...(JSON.parse(stdout) as CheckDocument) };
}

function finding(document: CheckDocument, item: string): Finding {
  const found = document.findings.find((each) => each.item === item);
  if (found === undefined) throw new Error(`No finding ${item}: ${JSON.stringify(document.findings)}`);
  return found;
}

describe('check', () => {
  it('names what is missing with the statements that mend it, and exits with 4', async () => {
    const document = await checked();
    expect([document.code, document.exitCode]).toEqual([4, 4]);
    expect(finding(document, 'table Hr.Pay')).toMatchObject({
      status: 'failure',
      advice: `Leave the schema out with "!Hr.*" in "table_filters", or run: GRANT USAGE ON SCHEMA "Hr" TO "${role}"; GRANT SELECT ON "Hr"."Pay" TO "${role}";`,
    });
    expect(finding(document, 'table public.fresh')).toMatchObject({
      status: 'warning',
      advice: 'Have its owner run: ANALYZE "public"."fresh";',
    });
    expect(finding(document, 'password').message).toContain('expires on');
    for (const item of [
      'node',
      'unixodbc',
      'driver',
      'configuration',
      'warehouse',
      'network',
      'login',
      'server',
      'clock',
      'disk',
    ])
      expect([item, finding(document, item).status]).toEqual([item, 'ok']);
    expect(finding(document, 'tables').message).toMatch(/^\d+ tables to sync; by mode: /);
    const modeOf = (table: string): Finding | undefined =>
      document.findings.find(({ item, tables }) => item.startsWith('mode ') && tables?.includes(table) === true);
    expect(modeOf('public.orders')).toMatchObject({
      item: 'mode xmin',
      message: 'finds every change; updated_at alone may not: public.orders',
    });
    expect(modeOf('public.order_items')).toMatchObject({ item: 'mode xmin' });
  });

  it('exits with 0 once the statements were run, exactly as they were printed', async () => {
    const { findings } = await checked();
    for (const { advice = '' } of findings) {
      const statements = /(?:or run: |Have its owner run: )((?:GRANT|ANALYZE).*)$/s.exec(advice)?.[1];
      if (statements !== undefined) await database.client.query(statements);
    }
    const { code, stdout } = await run('check');
    expect(stdout).toMatch(/\nReady to sync: 0 failures, \d+ warnings?\n$/);
    expect(code).toBe(0);
    expect(stdout).not.toContain('ANALYZE');
  });

  it('says that others may read the password in the file', async () => {
    chmodSync(configuration, 0o644);
    const document = await checked();
    chmodSync(configuration, 0o600);
    expect(finding(document, 'configuration')).toMatchObject({
      status: 'warning',
      advice: `Run: chmod 600 '${configuration}'`,
    });
  });

  it('tells a closed port from a wrong name and a wrong password, each with exit code 3', async () => {
    const listener = createServer();
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as AddressInfo;
    await new Promise<void>((resolve) => listener.close(() => resolve()));
    const closed = await checked('--port', String(port));
    expect([closed.code, finding(closed, 'network').message]).toEqual([
      3,
      `127.0.0.1 port ${port} cannot be reached (ECONNREFUSED).`,
    ]);
    const misspelt = await checked('--host', 'no-such-host.invalid');
    expect([misspelt.code, finding(misspelt, 'network').message]).toEqual([
      3,
      expect.stringContaining('cannot be resolved'),
    ]);
    const stranger = await checked('--username', 'nobody_like_that');
    expect([stranger.code, finding(stranger, 'login').status]).toEqual([3, 'failure']);
    expect(finding(stranger, 'login').advice).toContain('"username" and "password"');
  });

  it('goes as far as it can with a configuration that is wrong', async () => {
    const { code, stdout } = await run('check', '--port', 'five');
    expect(code).toBe(2);
    expect(stdout).toMatch(/^ok {7}node: /);
    expect(stdout).toMatch(/^FAILURE {2}configuration: port \(--port\) must be a whole number/m);
  });
});

describe('plan and status', () => {
  it('have nothing to go by before the first sync, and say so', async () => {
    const plan = await run('plan');
    expect(plan.code).toBe(0);
    expect(plan.stdout).toContain('no earlier run to tell the time by');
    expect(existsSync(join(database.folder, 'warehouse.db'))).toBe(false);
    const status = await runCli(['status', '--configuration', configuration]);
    expect([status.code, status.stderr]).toEqual([
      5,
      expect.stringMatching(/^pgsluice: There is no warehouse at .*Run `pgsluice sync` first/),
    ]);
  });

  it('know afterwards what was read, how long it took, and what comes next', async () => {
    expect((await run('sync')).code).toBe(0);
    await database.client.query(`REVOKE SELECT ON public.suppliers FROM ${role}`);
    expect((await run('sync')).code).toBe(4);

    const status = JSON.parse((await run('status', '--json')).stdout) as Status;
    expect(status.tables.find(({ table }) => table === 'public.customers')).toMatchObject({ lastError: null });
    expect(status.tables.find(({ table }) => table === 'public.suppliers')?.lastError?.message).toContain(
      'GRANT SELECT',
    );
    expect(status.runs.map(({ outcome }) => outcome)).toEqual(['some_tables_failed', 'succeeded']);
    expect(status.runs[1]?.rows).toBeGreaterThan(15_000);

    const plan = JSON.parse((await run('plan', '--json')).stdout) as Plan;
    const customers = plan.tables.find(({ table }) => table === 'public.customers');
    expect(plan.estimatedSeconds).toBeGreaterThan(0);
    expect(plan.tables.find(({ table }) => table === 'public.fresh')).toMatchObject({ pass: 'load', mode: 'full' });
    expect(customers?.estimatedSeconds ?? 0).toBeGreaterThanOrEqual(0);
    expect(plan.tables.some(({ pass }) => pass === 'changes')).toBe(true);
    await database.client.query(`GRANT SELECT ON public.suppliers TO ${role}`);
  });

  it('show the statements that will be run, and those run as they are', async () => {
    const { stdout } = await run('plan', '--explain', 'archive.orders', '--json');
    const { statements } = JSON.parse(stdout) as { readonly statements: readonly { readonly sql: string }[] };
    expect(statements.length).toBeGreaterThan(0);
    for (const { sql } of statements) await database.client.query(sql);
  });

  it('warn of options for tables that there are not, with the one that was meant', async () => {
    const argv = [
      '--table-options',
      '{"public.ordes": {"mode": "xmin"}, "public.orders": {"replication_key": "updatd_at"}}',
      '--full-resync',
      'custmers',
    ];
    const { code, stdout } = await run('plan', ...argv);
    expect(code).toBe(0);
    expect(stdout).toContain('"public.ordes" of "table_options" matches no table; did you mean public.orders?');
    expect(stdout).toContain('The replication key "updatd_at" of public.orders is no column');
    expect(stdout).toContain('did you mean updated_at?');
    expect(stdout).toContain('"custmers" of "full_resync" matches no table; did you mean customers?');
  });

  it('suggest the table that was meant', async () => {
    const { code, stderr } = await run('plan', '--explain', 'public.custmers');
    expect([code, stderr]).toEqual([2, expect.stringContaining('did you mean public.customers?')]);
    const several = await run('plan', '--explain', 'orders');
    expect(several.stderr).toContain('Several tables are called "orders": ');
  });

  it('answer while a sync has the warehouse, with its PID, from the state file', async () => {
    const running = await startHeldSync(database, ['--configuration', configuration]);
    try {
      const status = await run('status');
      expect(status.code).toBe(0);
      expect(status.stdout).toContain(`PID ${running.pid}`);
      expect(status.stdout).toContain('public.customers');
      const plan = await run('plan');
      expect([plan.code, plan.stdout]).toEqual([0, expect.stringContaining(`PID ${running.pid}`)]);
      const check = await checked();
      expect(finding(check, 'warehouse')).toMatchObject({
        status: 'failure',
        message: expect.stringContaining(`PID ${running.pid}`) as string,
      });
      const reset = await runCli(['reset', '--yes', '--configuration', configuration]);
      expect([reset.code, reset.stdout, reset.stderr]).toEqual([
        5,
        '',
        expect.stringContaining(`is open in another process (PID ${running.pid})`),
      ]);
      expect(existsSync(join(database.folder, 'warehouse.db'))).toBe(true);
    } finally {
      running.kill('SIGTERM');
      expect((await running.ended).code).toBe(143);
      await running.release();
    }
    const status = JSON.parse((await run('status', '--json')).stdout) as Status;
    expect(status.runs[0]?.outcome).toBe('interrupted');
  });
});

describe('monitor', () => {
  it('gives one reading as one JSON document', async () => {
    const { code, stdout, stderr } = await run('monitor', '--once', '--json');
    expect([code, stderr]).toEqual([0, '']);
    const reading = JSON.parse(stdout) as Record<string, unknown>;
    expect(reading).toMatchObject({
      degraded: false,
      memoryPercent: expect.any(Number) as number,
      cpuPercent: expect.any(Number) as number,
    });
    expect(reading['diskFreeBytes']).toBeGreaterThan(0);
  });

  it('goes on until it is interrupted, a line a reading', async () => {
    const running = startCli(['monitor', '--interval', '0.1', '--configuration', configuration]);
    await running.waitFor(/(.*Resource Monitor: Memory .*\n[^]*){3}/);
    running.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    // There is no batch that it could speak of.
    expect([code, stderr, /SIGINT|batch|progress/.exec(stdout)]).toEqual([130, '', null]);
  });

  it('refuses an interval that is none', async () => {
    const { code, stderr } = await run('monitor', '--interval', '0');
    expect([code, stderr]).toEqual([
      2,
      'pgsluice: --interval must be a number of seconds from 0.1 to 3600, not "0".\n',
    ]);
  });
});

describe('init', () => {
  const init = async (folder: string, password = 'operators;only'): Promise<CliResult & { readonly path: string }> => {
    const path = join(database.folder, folder, 'configuration.json');
    const server = ['--host', database.host, '--port', String(database.port), '--database', database.name];
    const argv = ['init', '--configuration', path, ...server, '--username', role];
    return { path, ...(await runCli(argv, { env: { PGPASSWORD: password } })) };
  };

  it('writes a configuration that works, and says so', async () => {
    const { path, code, stdout, stderr } = await init('fresh');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Wrote .*readable by you only\.[^]*ok {7}login: Role[^]*pgsluice sync --configuration/);
    expect(stdout).not.toContain('operators;only');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('blames the file for a login that fails, and not for a GRANT that is missing', async () => {
    await database.client.query('CREATE TABLE public.closed (id int PRIMARY KEY)');
    const missing = await init('grant');
    expect([missing.code, missing.stdout]).toEqual([4, expect.stringContaining('GRANT SELECT ON "public"."closed"')]);
    expect(missing.stdout).toContain('The login works; what is marked FAILURE above is still to be done. Then:');
    expect(missing.stdout).not.toContain('Correct ');
    await database.client.query('DROP TABLE public.closed');
    const wrong = await init('password', 'another password');
    expect([wrong.code, wrong.stdout]).toEqual([3, expect.stringContaining(`Correct ${wrong.path}, or run `)]);
    expect(wrong.stdout).not.toContain('The login works');
  });
});
