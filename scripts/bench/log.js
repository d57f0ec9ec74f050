// Compares mode log with the pass by transaction ids and with a full load, on a server of its own whose log is decodable.
const { cpSync, mkdirSync } = require('node:fs');
const path = require('node:path');
const { pgsluiceSync } = require('./contenders');
const { inFolder, measure, median } = require('./rounds');
const { Source } = require('./source');
const { createOrders } = require('./workloads');

/** The bars are set for the full size: a pass by transaction ids looks at every row, the log has the changes alone. */
const SIZES = { standard: 1_000_000, full: 10_000_000 };
const FLAGS = { wal_level: 'logical', max_wal_senders: '4', max_replication_slots: '8' };
const SLOT = 'pgsluice_bench';
/** Rows in the table that is loaded in full, and how many of them change. */
const MANY = { rows: 1_000_000, changed: 100_000 };
/** The bytes of log about a table that is not synced. */
const FOREIGN_BYTES = 1e9;

/**
 * @typedef {object} Pass
 * @property {string} what
 * @property {number} seconds median
 * @property {number} cpuSeconds median, of the program itself
 * @property {number} serverCpuSeconds median
 * @property {number} peakBytes the most of all rounds
 * @property {string} [failure] why there are no numbers
 *
 * @typedef {{ rows: number, keys: number, foreignBytes: number, passes: Map<string, Pass> }} LogPasses
 * @typedef {import('./rounds').Run} Run
 * @typedef {import('./tools').Say} Say
 */

/**
 * `against`: the build of another commit, whose passes by transaction ids are measured as well.
 * @param {{ main: string, against?: string, rows: number | undefined, full: boolean, rounds: number, say: Say }} options
 * @returns {Promise<LogPasses>}
 */
async function measureLog({ main, against, rows, full, rounds, say }) {
  const size = rows ?? (full ? SIZES.full : SIZES.standard);
  const source = await Source.start(FLAGS);
  /** @type {Map<string, { what: string, runs: Run[] }>} */
  const runs = new Map();
  /** @type {(name: string, what: string, run: Run) => void} */
  const note = (name, what, run) => {
    const known = runs.get(name) ?? { what, runs: [] };
    runs.set(name, { what, runs: [...known.runs, run] });
    say(
      `  ${what}: ${run.failure ?? `${run.seconds.toFixed(2)} s, server ${run.serverCpuSeconds.toFixed(2)} s of CPU`}`,
    );
  };
  try {
    const keys = await fewChanges({ source, main, against, size, rounds, say, note });
    await manyChanges({ source, main, size: Math.min(size, MANY.rows), rounds, say, note });
    const foreignBytes = await foreignChanges({ source, main, size, note });
    return { rows: size, keys, foreignBytes, passes: new Map([...runs].map(([name, it]) => [name, summary(it)])) };
  } finally {
    await source.close();
  }
}

/**
 * @typedef {{ source: Source, main: string, against?: string | undefined, size: number, rounds: number, say: Say, note: (name: string, what: string, run: Run) => void }} Setting
 */

/**
 * Rows that change all over a large table, then a tenth of them.
 * @param {Setting} setting
 * @returns {Promise<number>} how many rows changed in the end
 */
async function fewChanges({ source, main, against, size, rounds, say, note }) {
  say(`log: making ${size.toLocaleString('en')} rows`);
  const database = await source.create('log', [...createOrders(size), ...logOf('orders')]);
  const step = Math.max(1, Math.floor(size / 1_000));
  const keys = Math.floor(size / 10);
  await inFolder((folder) =>
    inFolder(async (logFolder) => {
      const [xminFolder, otherFolder] = [path.join(folder, 'xmin'), path.join(folder, 'other')];
      const byXmin = () =>
        syncOf(source, main, database, xminFolder, ['--sync-mode', 'xmin', '--reconcile-every', '0']);
      const byLog = () => syncOf(source, main, database, logFolder, ['--sync-mode', 'log', '--slot-name', SLOT]);
      note('load', 'the first load', await byLog());
      cpSync(logFolder, xminFolder, { recursive: true });
      await byXmin();
      /** @type {(() => Promise<Run>) | undefined} */
      let byOther;
      if (against !== undefined) {
        // The warehouse of another commit may be another one.
        mkdirSync(otherFolder);
        byOther = () => syncOf(source, against, database, otherFolder, ['--sync-mode', 'xmin']);
        note('load', 'the first load, by the other build', await byOther());
      }
      for (let round = 0; round < rounds; round += 1) {
        await source.with(database, async (client) => {
          await client.query(`UPDATE public.orders SET status = 'changed' WHERE id % ${step} = ${round + 1}`);
          await client.query(`DELETE FROM public.orders WHERE id % ${step * 10} = ${round + 1 + rounds}`);
        });
        note('few-xmin', '1,000 updated, 100 deleted: by transaction ids, deletes not looked for', await byXmin());
        if (byOther !== undefined)
          note('few-other', '1,000 updated, 100 deleted: by transaction ids, the other build', await byOther());
        note('few-log', '1,000 updated, 100 deleted: by the log', await byLog());
        note('quiet-log', 'nothing changed: by the log', await byLog());
      }
      await source.with(database, (client) =>
        client.query(`UPDATE public.orders SET status = 'keys' WHERE id % 10 = 5`),
      );
      note('keys', `${keys.toLocaleString('en')} rows updated: by the log`, await byLog());
    }),
  );
  await endLog(source, database);
  return keys;
}

/** @param {Setting} setting */
async function manyChanges({ source, main, size, rounds, note }) {
  const changed = Math.floor((size * MANY.changed) / MANY.rows);
  const what = `${changed.toLocaleString('en')} of ${size.toLocaleString('en')} rows updated`;
  const database = await source.create('log_many', [...createOrders(size), ...logOf('orders')]);
  for (let round = 0; round < rounds; round += 1) {
    await inFolder(async (folder) => {
      const byLog = () => syncOf(source, main, database, folder, ['--sync-mode', 'log', '--slot-name', SLOT]);
      note('many-load', `${size.toLocaleString('en')} rows: full load`, await byLog());
      await source.with(database, (client) =>
        client.query(`UPDATE public.orders SET status = 'many' WHERE id % 10 = ${round}`),
      );
      note('many-log', `${what}: by the log`, await byLog());
    });
  }
  await endLog(source, database);
}

/**
 * A log of changes to a table that is not synced.
 * @param {Pick<Setting, 'source' | 'main' | 'size' | 'note'>} setting
 * @returns {Promise<number>} its bytes
 */
async function foreignChanges({ source, main, size, note }) {
  const database = await source.create('log_foreign', [
    'CREATE TABLE public.orders (id int PRIMARY KEY)',
    'CREATE TABLE public.foreign_rows (id int PRIMARY KEY, body text)',
    ...logOf('orders'),
  ]);
  const wanted = FOREIGN_BYTES * Math.min(1, size / SIZES.standard);
  return await inFolder(async (folder) => {
    const byLog = () =>
      syncOf(source, main, database, folder, [
        '--sync-mode',
        'log',
        '--slot-name',
        SLOT,
        '--table-filters',
        'public.orders',
      ]);
    await byLog();
    note('nothing', 'a log of almost nothing', await byLog());
    const bytes = await source.with(database, async (client) => {
      /** @type {() => Promise<number>} */
      const retained = async () => {
        /** @type {import('pg').QueryResult<{ n: string }>} */
        const { rows } = await client.query(
          `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn) AS n FROM pg_replication_slots WHERE slot_name = '${SLOT}'`,
        );
        return Number(rows[0]?.n);
      };
      for (let from = 0; (await retained()) < wanted; from += 50_000) {
        await client.query(
          `INSERT INTO public.foreign_rows SELECT i, repeat(md5(i::text), 4) FROM generate_series(${from + 1}, ${from + 50_000}) AS i`,
        );
      }
      return await retained();
    });
    note('foreign', `${(bytes / 1e6).toFixed(0)} MB of log about a table that is not synced`, await byLog());
    await endLog(source, database);
    return bytes;
  });
}

/** @param {string} table */
function logOf(table) {
  return [
    `CREATE PUBLICATION pgsluice FOR TABLE public.${table} (id)`,
    `SELECT pg_create_logical_replication_slot('${SLOT}', 'pgoutput')`,
  ];
}

/**
 * @param {Source} source
 * @param {string} database
 */
async function endLog(source, database) {
  await source.with(database, (client) => client.query(`SELECT pg_drop_replication_slot('${SLOT}')`));
  await source.drop(database);
}

/**
 * @param {Source} source
 * @param {string} main
 * @param {string} database
 * @param {string} folder
 * @param {string[]} options
 */
async function syncOf(source, main, database, folder, options) {
  return await measure(
    source,
    database,
    pgsluiceSync(main, source.server, { database, table: 'orders', folder }, options),
  );
}

/**
 * @param {{ what: string, runs: Run[] }} measured
 * @returns {Pass}
 */
function summary({ what, runs }) {
  const failure = runs.find((run) => run.failure !== undefined)?.failure;
  return {
    what,
    seconds: median(runs.map((run) => run.seconds)),
    cpuSeconds: median(runs.map((run) => run.cpuSeconds)),
    serverCpuSeconds: median(runs.map((run) => run.serverCpuSeconds)),
    peakBytes: Math.max(...runs.map((run) => run.peakBytes)),
    ...(failure === undefined ? {} : { failure }),
  };
}

module.exports = { measureLog };
