/** The system's PostgreSQL with PostGIS, where there is one. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, launch, otherThanRoot, ownedFolder, runToEnd, type ServerProcess } from './server-process';

/** Debian's folders. */
const [PROGRAMS, SHARED] = ['/usr/lib/postgresql', '/usr/share/postgresql'];

/** The folder of the newest server's programs that has PostGIS, or undefined. */
export function findPostgis(): string | undefined {
  if (!existsSync(PROGRAMS)) return undefined;
  const majors = readdirSync(PROGRAMS).filter((major) =>
    [join(SHARED, major, 'extension', 'postgis.control'), join(PROGRAMS, major, 'bin', 'initdb')].every(existsSync),
  );
  const newest = majors.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(PROGRAMS, newest, 'bin');
}

export async function startPostgis(programs: string): Promise<ServerProcess> {
  const owner = otherThanRoot();
  const folder = ownedFolder(owner);
  const data = join(folder, 'data');
  const login = { host: '127.0.0.1', port: await freePort(), user: 'postgres', password: 'unused' };
  const initdb = ['-D', data, '-U', login.user, '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync'];
  runToEnd(join(programs, 'initdb'), initdb, owner);
  const settings = {
    port: String(login.port),
    listen_addresses: login.host,
    unix_socket_directories: '',
    fsync: 'off',
  };
  return await launch({
    command: join(programs, 'postgres'),
    parameters: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    folder,
    login,
    database: 'postgres',
    owner,
    ending: 'SIGQUIT',
  });
}
