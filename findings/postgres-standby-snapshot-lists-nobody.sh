#!/bin/sh
# On a standby, pg_current_snapshot() of PostgreSQL 18.4 lists no transaction as running, whatever runs on the primary.
# A transaction updates a row and stays open; another one, begun later, commits; the standby has replayed both.
# Expected: the snapshot lists the open transaction, as it does on the primary, and pg_visible_in_snapshot says that it is
# not visible. Seen: the list is empty, and it is called visible, although the standby does not show its row.
#
# Exits 0 while it is so, 1 once it has changed. Needs Node.js 20; writes into a temporary folder only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. "$(dirname "$0")/helpers/with-postgres.sh"
echo '{"private": true}' >"$folder/package.json"
install_postgres

cat >"$folder/program.mjs" <<'JAVASCRIPT'
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
const [primaryPort, standbyPort] = [await freePort(), await freePort()];
const folder = import.meta.dirname;
const [data, copy] = [join(folder, 'primary'), join(folder, 'standby')];
const flags = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off'];
const primary = new EmbeddedPostgres({
  databaseDir: data,
  port: primaryPort,
  user: 'postgres',
  password: 'plain',
  persistent: true,
  createPostgresUser: process.getuid() === 0,
  initdbFlags: ['--encoding=UTF8', '--no-locale', '--lc-messages=C', '--no-sync'],
  postgresFlags: flags,
  onLog() {},
  onError() {},
});
await primary.initialise();
execFileSync('cp', ['-Rp', data, copy]);
writeFileSync(join(copy, 'standby.signal'), '');
appendFileSync(
  join(copy, 'postgresql.auto.conf'),
  `primary_conninfo = 'host=127.0.0.1 port=${primaryPort} user=postgres password=plain'\n`,
);
await primary.start();
const binaries = join(folder, 'node_modules/@embedded-postgres');
const [platform] = readdirSync(binaries);
const { uid, gid } = statSync(data);
const standby = spawn(
  join(binaries, platform, 'native/bin/postgres'),
  ['-D', copy, '-p', String(standbyPort), ...flags],
  { stdio: 'ignore', ...(process.getuid() === 0 ? { uid, gid } : {}) },
);

async function connect(port) {
  for (let attempts = 100; ; attempts -= 1) {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password: 'plain', database: 'postgres' });
    client.on('error', () => {});
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (attempts === 0) throw error;
      await delay(100);
    }
  }
}

const value = async (client, sql) => Object.values((await client.query(sql)).rows[0])[0];
const [writer, other] = [await connect(primaryPort), await connect(primaryPort)];
await other.query('CREATE TABLE t (id int, v text)');
await other.query("INSERT INTO t VALUES (1, 'before')");
await writer.query('BEGIN');
await writer.query("UPDATE t SET v = 'open'");
const id = await value(writer, 'SELECT pg_current_xact_id()::text');
await other.query("INSERT INTO t VALUES (2, 'committed')");
const reader = await connect(standbyPort);
while ((await value(reader, "SELECT count(*)::int FROM pg_class WHERE relname = 't'")) === 0) await delay(50);
while ((await value(reader, 'SELECT count(*)::int FROM t')) < 2) await delay(50);
const visible = (client) => value(client, `SELECT pg_visible_in_snapshot('${id}', pg_current_snapshot())`);
const shown = await value(reader, "SELECT count(*)::int FROM t WHERE v = 'open'");
const snapshots = await Promise.all([other, reader].map((client) => value(client, 'SELECT pg_current_snapshot()::text')));
const called = [await visible(other), await visible(reader)];
console.error(
  `PostgreSQL ${await value(other, 'SHOW server_version')}: transaction ${id} is open. Primary: ${snapshots[0]}, visible ${called[0]}; ` +
    `standby: ${snapshots[1]}, visible ${called[1]}, and ${shown} of its rows are shown`,
);
console.log(`${called.join()} ${shown}`);
standby.kill('SIGQUIT');
await primary.stop();
process.exit();
JAVASCRIPT

[ "$(node "$folder/program.mjs")" = "false,true 0" ] && exit 0
echo "This is no longer as it is described here." >&2
exit 1
