/** A pooler between the product and a server, where the machine has one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testServer, type ServerCoordinates } from './postgres';
import { findProgram, freePort, give, launch, otherThanRoot, ownedFolder, type ServerProcess } from './server-process';

export const PGBOUNCER = findProgram('pgbouncer');

/** `servers`: connections that it may open to PostgreSQL for one database and user. */
export async function startPgBouncer(
  mode: 'session' | 'transaction',
  servers: number,
  { host, port: target, user, password }: ServerCoordinates = testServer(),
): Promise<ServerProcess> {
  const owner = otherThanRoot();
  const folder = ownedFolder(owner);
  const port = await freePort();
  const users = join(folder, 'users.txt');
  writeFileSync(users, `"${user}" "${password.replaceAll('"', '""')}"\n`);
  const settings = join(folder, 'pgbouncer.ini');
  writeFileSync(
    settings,
    `[databases]\n* = host=${host} port=${target}\n[pgbouncer]\nlisten_addr = ${host}\nlisten_port = ${port}\nunix_socket_dir =\n` +
      `auth_type = plain\nauth_file = ${users}\npool_mode = ${mode}\ndefault_pool_size = ${servers}\n` +
      `ignore_startup_parameters = extra_float_digits\n`,
  );
  give(folder, owner);
  return await launch({
    command: PGBOUNCER ?? '',
    parameters: [settings],
    folder,
    login: { host, port, user, password },
    database: 'postgres',
    owner,
    ending: 'SIGTERM',
  });
}
