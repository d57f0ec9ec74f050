// Measures the memory of the processes that stay for days: whether it grows with each sync.
//
//   node scripts/bench/endurance.js [SYNCS]      (200 by default; a quarter of an hour)
//
// Rows change between the syncs. Each line has the resident memory after so many of them. `sync --every` stays and starts
// a process for each sync, whose peaks are given beside it; the service and a worker of a fleet sync in their own.
const { spawn } = require('node:child_process');
const { existsSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');
const { built } = require('../built');
const { silenceDriver } = require('../silent-driver');
const { inFolder } = require('./rounds');
const { Source } = require('./source');

const PROJECT = path.join(__dirname, '..', '..');
const MAIN = path.join(PROJECT, 'dist', 'bin', 'pgsluice.js');
const TABLES = 5;
const ROWS = 2_000;
const CHANGES_EVERY_MS = 300;
const POLL_MS = 50;

/**
 * @typedef {{ host: string, port: string, database: string, username: string, password: string }} Login
 * @typedef {object} Watched
 * @property {string} name
 * @property {number} syncs
 * @property {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, null>} child
 * @property {RegExp} ended what it prints for each sync
 * @property {boolean} [startsRuns] each sync is a process of its own
 */

/**
 * @param {string[]} argv
 * @param {string} cwd
 * @returns {Watched['child']}
 */
function startNode(argv, cwd) {
  return spawn(process.execPath, argv, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
}

/**
 * Kilobytes of a line of /proc/PID/status; 0 where the process has gone.
 * @param {number | string | undefined} pid
 * @param {'VmRSS' | 'VmHWM'} what
 */
function kilobytes(pid, what) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${what}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** @param {number | undefined} pid */
function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  } catch {
    return [];
  }
}

/** @param {number} kb */
const megabytes = (kb) => (kb / 1024).toFixed(1).padStart(6);

/**
 * Waits for so many syncs, and prints the memory on the way. Ends the process.
 * @param {Watched} watched
 */
async function watch({ name, syncs, child, ended, startsRuns = false }) {
  const over = new Promise((resolve) => child.once('exit', resolve));
  let done = 0;
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ chunk) => {
    text += chunk;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    done += lines.filter((line) => ended.test(line)).length;
  });
  const marks = [20, 100, 200, 400, 800, syncs].filter(
    (mark, index, all) => mark <= syncs && all.indexOf(mark) === index,
  );
  let peak = 0;
  while (marks.length > 0 && child.exitCode === null) {
    for (const run of startsRuns ? childrenOf(child.pid) : []) peak = Math.max(peak, kilobytes(run, 'VmHWM'));
    if (done >= (marks[0] ?? 0)) {
      const own = kilobytes(child.pid, 'VmRSS');
      const runs = peak === 0 ? '' : `; the largest peak of a run since the line before: ${megabytes(peak)} MB`;
      console.log(`${name}: after ${String(marks.shift()).padStart(4)} syncs ${megabytes(own)} MB${runs}`);
      peak = 0;
    }
    await delay(POLL_MS);
  }
  if (marks.length > 0) console.log(`${name}: ended with code ${child.exitCode} after ${done} syncs`);
  child.kill('SIGTERM');
  await over;
}

/**
 * @param {string} folder
 * @param {Login} login
 * @param {Record<string, string>} [more]
 */
function configure(folder, login, more = {}) {
  const file = path.join(folder, 'configuration.json');
  writeFileSync(file, JSON.stringify({ ...login, sync_mode: 'xmin', ...more }), { mode: 0o600 });
  return file;
}

/**
 * Asks a service for one Update after another, each with the state of the one before.
 * @param {string} folder
 * @param {Login} login
 * @param {number} syncs
 */
async function watchService(folder, login, syncs) {
  const child = startNode([MAIN, 'serve', '--port', '0'], folder);
  /** @type {string} */
  const port = await new Promise((resolve) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
      const found = /Listening on .*:(\d+)"/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  const { runRound } = built('referenceClient');
  const options = {
    address: `localhost:${port}`,
    configuration: { ...login, sync_mode: 'xmin' },
    warehousePath: path.join(folder, 'platform.db'),
    statePath: path.join(folder, 'platform-state.json'),
  };
  const updating = (async () => {
    for (let sync = 1; sync <= syncs; sync += 1) await runRound(options);
  })();
  await watch({ name: 'serve', syncs, child, ended: /\] Sent: / });
  await updating.catch((/** @type {Error} */ error) => console.log(`serve: ${error.message}`));
}

async function run() {
  const syncs = Number(process.argv[2] ?? 200);
  if (!Number.isSafeInteger(syncs) || syncs < 1) throw new Error('SYNCS must be a whole number, 1 or more.');
  const odbcFolder = silenceDriver();
  const source = await Source.start();
  try {
    const tables = Array.from({ length: TABLES }, (_, index) => `t${index + 1}`);
    const database = await source.create(
      'endurance',
      tables.map(
        (name) =>
          `CREATE TABLE ${name} (id int PRIMARY KEY, v text); INSERT INTO ${name} SELECT i, md5(i::text) FROM generate_series(1, ${ROWS}) i`,
      ),
    );
    const { host, port, user, password } = source.server;
    const login = { host, port: String(port), database, username: user, password };
    let over = false;
    const changing = source.with(database, async (client) => {
      for (let round = 1; !over; round += 1) {
        const name = tables[round % TABLES];
        await client.query(`UPDATE ${name} SET v = 'round ${round}' WHERE id % 100 = ${round % 100}`);
        await client.query(`DELETE FROM ${name} WHERE id = ${round % ROWS}`);
        await client.query(`INSERT INTO ${name} VALUES (${round % ROWS}, 'back') ON CONFLICT DO NOTHING`);
        await delay(CHANGES_EVERY_MS);
      }
    });
    await inFolder(async (folder) => {
      const child = startNode([MAIN, 'sync', '--every', '1s', '--configuration', configure(folder, login)], folder);
      const ended = /Run \d+ ended with exit code 0/;
      await watch({ name: 'sync --every 1s', syncs, child, ended, startsRuns: true });
    });
    await inFolder((folder) => watchService(folder, login, syncs));
    const script = [path.join(__dirname, 'endurance-syncs.js')];
    for (const [name, more] of /** @type {[string, Record<string, string>][]} */ ([
      ['one process, into a file', {}],
      ['one process, into a lake', { destination: 'ducklake', lake_extensions: extensions() }],
    ])) {
      await inFolder(async (folder) => {
        const argv = ['--expose-gc', ...script, configure(folder, login, more), String(syncs)];
        await watch({ name, syncs, child: startNode(argv, folder), ended: /sync \d+ ended/ });
      });
    }
    over = true;
    await changing;
  } finally {
    await source.close();
    if (odbcFolder !== undefined) rmSync(odbcFolder, { recursive: true, force: true });
  }
}

/** scripts/setup.sh puts them there. */
function extensions() {
  /** @type {typeof import('@duckdb/node-api')} */
  const { version } = require('@duckdb/node-api');
  const folder = path.join(PROJECT, '.extensions', version().replace(/^v/, ''));
  if (!existsSync(folder)) throw new Error(`There are no extensions in ${folder}; run npm run setup.`);
  return folder;
}

run().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
