/** A second server that follows a first one. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { serverMajor, startServer, withClient, type PostgresServer, type ServerCoordinates } from './postgres';
import { freePort, give, launch, ownedFolder, runToEnd, type ServerProcess } from './server-process';

/** Starts a server that others may follow; `flags` come on top of what that takes. */
export function startPrimary(flags: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
  return startServer({
    flags: {
      ...{ wal_level: 'replica', max_wal_senders: '4', hot_standby: 'on' },
      // Otherwise a checkpoint may remove files that a standby has not yet fetched.
      ...(serverMajor() >= 13 ? { wal_keep_size: '1GB' } : { wal_keep_segments: '64' }),
      ...flags,
    },
  });
}

/**
 * Starts a hot standby of the server: a copy of its files, made while it was stopped, then its stream, through `via`.
 * `flags` are its own, on top of those of the primary.
 */
export async function startStandby(
  primary: PostgresServer,
  via: { readonly host: string; readonly port: number } = primary,
  flags: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const data = join(dirname(primary.logFile), 'data');
  // We may run as root, but the server does not: the standby runs as the owner of the files.
  const { uid, gid } = statSync(data);
  const owner = process.getuid?.() === 0 ? { uid, gid } : undefined;
  const [command = '', ...inherited] = readFileSync(join(data, 'postmaster.opts'), 'utf8')
    .trim()
    .split(/ (?=")/);
  const folder = ownedFolder(owner);
  const copy = join(folder, 'data');
  await primary.stop();
  runToEnd('cp', ['-Rp', data, copy]);
  writeFileSync(join(copy, 'standby.signal'), '');
  give(join(copy, 'standby.signal'), owner);
  await primary.start();
  const port = await freePort();
  const own = inherited
    .map((flag) => flag.slice(1, -1))
    .map((flag, index, all) => (all[index - 1] === '-D' ? copy : all[index - 1] === '-p' ? String(port) : flag));
  const { host, user, password } = primary;
  return await launch({
    command,
    parameters: [
      ...own,
      '-c',
      `primary_conninfo=host=${via.host} port=${via.port} user=${user} dbname=postgres`,
      ...Object.entries(flags).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    folder,
    login: { host, port, user, password },
    database: 'postgres',
    owner,
    environment: { PGPASSWORD: password },
    ending: 'SIGQUIT',
  });
}

/** Resolves when the standby has replayed all that the primary wrote. */
export async function caughtUp(primary: ServerCoordinates, standby: ServerCoordinates): Promise<void> {
  const { rows } = await withClient(primary, 'postgres', (client) =>
    // The written position would not do: with synchronous_commit off, a commit may still be on its way there.
    client.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn'),
  );
  for (;;) {
    const behind = await withClient(standby, 'postgres', async (client) => {
      const { rows: seen } = await client.query<{ behind: boolean }>(
        'SELECT pg_last_wal_replay_lsn() < $1::pg_lsn AS behind',
        [rows[0]?.lsn],
      );
      return seen[0]?.behind !== false;
    });
    if (!behind) return;
    await delay(50);
  }
}
