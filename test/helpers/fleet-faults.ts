/** A fleet that faults may hit: its catalog is on a server of its own, and its workers are started again when they end. */
import { setTimeout as delay } from 'node:timers/promises';
import { MODULES_MAIN, type RunningCli } from './cli';
import { compareTable, same } from './compare';
import { createWorld, TABLES } from './fault-world';
import { createFleet, schemaOf, sourceOf, untilDone, type FleetWorld } from './fleet-world';
import { openOnServer } from './lake-world';
import { startServer, withClient, type PostgresServer } from './postgres';

/** Large enough to be cut into parts of a megabyte. */
export const CUT_TABLE = 'large';
const CUT_ROWS = 16_000;

export interface FaultyFleet extends FleetWorld {
  /** The server of queue and lake. */
  readonly catalog: PostgresServer;
}

export async function createFaultyFleet(names: readonly string[], rows: number): Promise<FaultyFleet> {
  // A killed server must not forget what it had already shown.
  const catalog = await startServer({ flags: { max_connections: '150', synchronous_commit: 'on' } });
  const fleet = await createFleet(names, {
    server: catalog,
    fleet: { fleet_drain_seconds: '60' },
    source: { retry_sleep_seconds: '0.1', max_deletes: '100', custom_batch_size: '300', fleet_part_megabytes: '1' },
    fill: async (client) => {
      await createWorld(client, rows);
      await client.query(`CREATE TABLE ${CUT_TABLE} (id int PRIMARY KEY, note text, amount numeric);
        INSERT INTO ${CUT_TABLE} SELECT i, repeat(md5(i::text), 6), i / 7.0 FROM generate_series(1, ${CUT_ROWS}) i; ANALYZE ${CUT_TABLE}`);
    },
  });
  return {
    ...fleet,
    catalog,
    close: async () => {
      await fleet.close();
      await catalog.close();
    },
  };
}

/** `point`: see test/faults/kill-at.js. */
export function startKilledAt(fleet: FleetWorld, point: string): RunningCli {
  return fleet.worker([], {
    main: MODULES_MAIN,
    nodeArguments: ['--require', require.resolve('../faults/kill-at.js')],
    env: { TEST_KILL_AT: point },
  });
}

/** Workers that are started again whenever they end, as a service manager does. */
export function keepWorkers(
  fleet: FleetWorld,
  count: number,
): { pick(index: number): RunningCli; stop(): Promise<void> } {
  let stopped = false;
  const present: RunningCli[] = [];
  const keep = async (index: number): Promise<void> => {
    while (!stopped) {
      const worker = fleet.worker();
      present[index] = worker;
      await worker.ended;
      await delay(200);
    }
  };
  const kept = Array.from({ length: count }, (_, index) => keep(index));
  return {
    pick: (index) => {
      const worker = present[index % count];
      if (worker === undefined) throw new Error('No worker has been started.');
      return worker;
    },
    stop: async () => {
      stopped = true;
      for (const worker of present) {
        worker.kill('SIGCONT');
        worker.kill('SIGTERM');
      }
      await Promise.all(kept);
    },
  };
}

/** Syncs all sources until nothing is left to be done of any. */
export async function syncAll(fleet: FleetWorld): Promise<void> {
  const { code, stdout, stderr } = await fleet.run(['sync', '--all']);
  if (code !== 0) throw new Error(`fleet sync ended with ${String(code)}: ${stdout}${stderr}`);
  await untilDone(fleet);
}

export async function initFleet(fleet: FleetWorld): Promise<void> {
  const { code, stderr } = await fleet.run(['init']);
  expect([code, stderr]).toEqual([0, '']);
}

/** Fails unless every source is in the lake, value by value and each row once, by `verify` as well. */
export async function expectAllEqual(fleet: FleetWorld, names = [...fleet.sources.keys()]): Promise<void> {
  for (const name of names) {
    const database = sourceOf(fleet.sources, name);
    const lake = await openOnServer(fleet.lake);
    try {
      for (const table of [...TABLES, CUT_TABLE]) {
        const place = { schema: 'public', name: table, destinationSchema: schemaOf(name) };
        const compared = await compareTable(database.client, lake, place);
        expect({ name, table, ...compared }).toEqual({ name, table, ...same(compared.rows) });
      }
    } finally {
      lake.close();
    }
    const { code, stderr } = await fleet.verify(name, '-q');
    expect([name, code, stderr]).toEqual([name, 0, '']);
  }
}

/** Tables of loads that have ended must be gone. */
export async function leftBehind(fleet: FleetWorld): Promise<unknown[][]> {
  const lake = await openOnServer(fleet.lake);
  try {
    return await lake.rows(
      "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'lake' AND (starts_with(table_name, '_pgsluice_') OR regexp_matches(table_name, '^(parts|todo)_'))",
    );
  } finally {
    lake.close();
  }
}

export async function terminateSessions({ catalog, lake }: FaultyFleet): Promise<void> {
  await withClient(catalog, 'postgres', (admin) =>
    admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [lake.name]),
  );
}
