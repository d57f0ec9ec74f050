// Measures a fleet: many sources far away, by one worker and by several, and how soon the jobs of a killed one go on.
const { spawn } = require('node:child_process');
const { mkdirSync, writeFileSync } = require('node:fs');
const { cpus } = require('node:os');
const path = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');
const { startProxy } = require('./distance');
const { extensions } = require('./lake');
const { inFolder, median } = require('./rounds');
const { statFields } = require('./source');
const { createOrders } = require('./workloads');

const SOURCES = 16;
const WORKERS = 8;
const ROUND_TRIP_MS = 20;
const BYTES_PER_SECOND = 4_000_000;
/** The rows of each source, which take 5 s at that speed. */
const ROWS = 130_000;
/** Something else is wrong with what takes longer. */
const MOST_SECONDS = 600;
const LAKE = 'fleet_lake';

/**
 * @typedef {import('./source').Source} Source
 * @typedef {{ seconds: number, cpuSeconds: number, commitsPerSecond: number, busyShare: number }} Load
 * @typedef {object} Fleet
 * @property {number} sources
 * @property {number} workers
 * @property {number} rows of each source
 * @property {Load} one by one worker; medians
 * @property {Load} all by all workers; commitsPerSecond: transactions of the catalog's database; busyShare: of the cores
 *   of this machine, which workers, sources, catalog and proxies share
 * @property {number} takeoverSeconds from the kill of a worker until another one has its job; median
 */

/**
 * @typedef {object} Options
 * @property {Source} source
 * @property {string} main
 * @property {number | undefined} rows in place of 1,000,000 of other workloads; those of each source in proportion
 * @property {number} rounds
 * @property {import('./tools').Say} say
 *
 * @param {Options} options
 * @returns {Promise<Fleet>}
 */
async function measureFleet({ source, main, rows: of = 1_000_000, rounds, say }) {
  const rows = Math.max(1_000, Math.round((ROWS * of) / 1_000_000));
  const names = Array.from({ length: SOURCES }, (_, index) => `s${index + 1}`);
  const databases = [];
  for (const name of names) databases.push(await source.create(`fleet_${name}`, createOrders(rows)));
  const proxies = await Promise.all(names.map(() => startProxy(source.server, ROUND_TRIP_MS / 2, BYTES_PER_SECOND)));
  /** @type {{ one: Load[], all: Load[], takeovers: number[] }} */
  const runs = { one: [], all: [], takeovers: [] };
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const workers of [1, WORKERS]) {
        await withFleet({ source, main, names, databases, proxies }, async (fleet) => {
          const load = await loadAll(fleet, workers);
          runs[workers === 1 ? 'one' : 'all'].push(load);
          const { seconds, cpuSeconds } = load;
          say(
            `  round ${round + 1}/${rounds}  ${workers} workers ${seconds.toFixed(2)} s, CPU ${cpuSeconds.toFixed(2)} s, cores ${(100 * load.busyShare).toFixed(0)} % busy`,
          );
        });
      }
      await withFleet({ source, main, names, databases, proxies }, async (fleet) => {
        runs.takeovers.push(await takeover(fleet));
        say(`  round ${round + 1}/${rounds}  takeover ${runs.takeovers.at(-1)?.toFixed(1)} s`);
      });
    }
  } finally {
    for (const proxy of proxies) proxy.end();
    for (const database of databases) await source.drop(database);
  }
  /** @param {Load[]} all */
  const medians = (all) => ({
    seconds: median(all.map((it) => it.seconds)),
    cpuSeconds: median(all.map((it) => it.cpuSeconds)),
    commitsPerSecond: median(all.map((it) => it.commitsPerSecond)),
    busyShare: median(all.map((it) => it.busyShare)),
  });
  return {
    sources: SOURCES,
    workers: WORKERS,
    rows,
    one: medians(runs.one),
    all: medians(runs.all),
    takeoverSeconds: median(runs.takeovers),
  };
}

/**
 * @typedef {object} RunningFleet
 * @property {Source} source
 * @property {string} lake its database
 * @property {() => Worker} startWorker
 * @property {(...words: string[]) => Promise<void>} run
 *
 * @typedef {{ pid: number, ready: Promise<void>, kill: (signal: NodeJS.Signals) => void }} Worker
 */

/**
 * @param {{ source: Source, main: string, names: string[], databases: string[], proxies: { port: number }[] }} parts
 * @param {(fleet: RunningFleet) => Promise<void>} action
 */
async function withFleet({ source, main, names, databases, proxies }, action) {
  const lake = await source.create(LAKE, []);
  /** @type {Set<import('node:child_process').ChildProcess>} */
  const children = new Set();
  /** @type {(folder: string, words: string[]) => import('node:child_process').ChildProcess} */
  const start = (folder, words) => {
    const passwords = Object.fromEntries(
      names.map((name) => [`PGSLUICE_PASSWORD_${name.toUpperCase()}`, source.server.password]),
    );
    const child = spawn(process.execPath, [main, ...words], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...passwords },
    });
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  };
  try {
    await inFolder(async (folder) => {
      writeFleet(folder, source, { lake, names, databases, proxies });
      /** @param {string[]} words */
      const run = async (...words) => {
        const child = start(folder, words);
        let output = '';
        for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += String(text)));
        const code = await new Promise((resolve) => child.once('close', resolve));
        if (code !== 0)
          throw new Error(`pgsluice ${words.join(' ')} ended with ${String(code)}: ${output.slice(-500)}`);
      };
      await run('fleet', 'init');
      const startWorker = () => {
        const child = start(folder, ['fleet', 'work']);
        let output = '';
        /** @type {Promise<void>} */
        const ready = new Promise((resolve, reject) => {
          for (const stream of [child.stdout, child.stderr])
            stream?.on('data', (text) => {
              output = (output + String(text)).slice(-2_000);
              if (output.includes('takes jobs of')) resolve();
            });
          child.once('exit', () => reject(new Error(`A worker has ended: ${output}`)));
        });
        return { pid: child.pid ?? 0, ready, kill: (/** @type {NodeJS.Signals} */ signal) => void child.kill(signal) };
      };
      await action({ source, lake, startWorker, run });
      for (const child of children) child.kill('SIGKILL');
    });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await source.drop(lake);
  }
}

/**
 * @param {string} folder
 * @param {Source} source
 * @param {{ lake: string, names: string[], databases: string[], proxies: { port: number }[] }} parts
 */
function writeFleet(folder, { server }, { lake, names, databases, proxies }) {
  const [, extensionFolder] = extensions();
  const shared = {
    destination: 'ducklake',
    lake_catalog: `host=${server.host} port=${server.port} dbname=${lake} user=${server.user} password=${server.password}`,
    lake_data_path: path.join(folder, 'lake'),
    ...(extensionFolder === undefined ? {} : { lake_extensions: extensionFolder }),
  };
  const write = (/** @type {string} */ file, /** @type {Record<string, string>} */ configuration) =>
    writeFileSync(path.join(folder, file), JSON.stringify(configuration), { mode: 0o600 });
  // A worker does one job at a time, so that several workers are what is measured.
  write('configuration.json', { ...shared, fleet_sources: 'sources', fleet_jobs: '1' });
  mkdirSync(path.join(folder, 'sources'));
  for (const [index, name] of names.entries())
    write(path.join('sources', `${name}.json`), {
      ...shared,
      ...{ host: '127.0.0.1', port: String(proxies[index]?.port), database: databases[index] ?? '' },
      ...{ username: server.user, destination_schema: name },
    });
}

/**
 * From the request to the end of the last job; the workers wait for it.
 * @param {RunningFleet} fleet
 * @param {number} count
 * @returns {Promise<Load>}
 */
async function loadAll({ source, lake, startWorker, run }, count) {
  const workers = Array.from({ length: count }, startWorker);
  await Promise.all(workers.map(({ ready }) => ready));
  const cpu = () => workers.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
  const before = { cpu: cpu(), commits: await commits(source, lake), machine: machineTimes() };
  const started = performance.now();
  await run('fleet', 'sync', '--all');
  await source.with(lake, (client) =>
    until(client, "SELECT count(*) = 0 FROM pgsluice_fleet.job WHERE state <= 'active'"),
  );
  const seconds = (performance.now() - started) / 1000;
  const cpuUsed = cpu() - before.cpu;
  const machine = machineTimes();
  const busyShare = (machine.busy - before.machine.busy) / (machine.all - before.machine.all);
  const commitsPerSecond = ((await commits(source, lake)) - before.commits) / seconds;
  await source.with(lake, async (client) => {
    const { rows } = await client.query("SELECT count(*)::int AS n FROM pgsluice_fleet.job WHERE state = 'failed'");
    if (rows[0].n > 0) throw new Error(`${rows[0].n} jobs of the fleet have failed.`);
  });
  for (const worker of workers) worker.kill('SIGKILL');
  return { seconds, cpuSeconds: cpuUsed, commitsPerSecond, busyShare };
}

/** Milliseconds of all cores since the machine has started. */
function machineTimes() {
  const times = cpus().map((core) => core.times);
  const all = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  return { all, busy: all - times.reduce((sum, { idle }) => sum + idle, 0) };
}

/**
 * Seconds from the kill of a worker in the middle of a table until another one has its job.
 * @param {RunningFleet} fleet
 */
async function takeover({ source, lake, startWorker, run }) {
  const first = startWorker();
  await first.ready;
  await run('fleet', 'sync', 's1');
  return await source.with(lake, async (client) => {
    await until(client, "SELECT count(*) > 0 FROM pgsluice_fleet.job WHERE name = 'work' AND state = 'active'");
    const second = startWorker();
    await second.ready;
    await client.query(
      "CREATE TABLE killed AS SELECT id, started_on FROM pgsluice_fleet.job WHERE name = 'work' AND state = 'active'",
    );
    const { rows } = await client.query('SELECT count(*)::int AS n FROM killed');
    if (rows[0].n === 0) throw new Error('The job ended before its worker could be killed; measure with more rows.');
    first.kill('SIGKILL');
    const started = performance.now();
    await until(
      client,
      "SELECT count(*) > 0 FROM pgsluice_fleet.job j JOIN killed k USING (id) WHERE j.state = 'completed' OR (j.state = 'active' AND j.started_on > k.started_on)",
    );
    return (performance.now() - started) / 1000;
  });
}

/**
 * @param {import('pg').Client} client
 * @param {string} question whose first column says whether it is so
 */
async function until(client, question) {
  const started = performance.now();
  for (;;) {
    const { rows } = await client.query({ text: question, rowMode: 'array' });
    if (rows[0]?.[0] === true) return;
    if (performance.now() - started > MOST_SECONDS * 1000)
      throw new Error(`The fleet took longer than ${MOST_SECONDS} s.`);
    await delay(100);
  }
}

/**
 * Transactions of a database so far. A session reports its own when it is idle, and once a second at most.
 * @param {Source} source
 * @param {string} database
 */
async function commits(source, database) {
  return await source.with('postgres', async (client) => {
    const { rows } = await client.query('SELECT xact_commit::float8 AS n FROM pg_stat_database WHERE datname = $1', [
      database,
    ]);
    return Number(rows[0]?.n);
  });
}

/** @param {number} pid */
function cpuSeconds(pid) {
  const fields = statFields(String(pid));
  return fields === undefined ? 0 : (Number(fields[11]) + Number(fields[12])) / 100;
}

module.exports = { measureFleet };
