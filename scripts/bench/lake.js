// Compares a lake with a warehouse file: a load, syncs of 1 % changed rows, and how many Parquet files there are.
const { existsSync, readdirSync } = require('node:fs');
const path = require('node:path');
const { ofNode, pgsluiceSync, writeConfiguration } = require('./contenders');
const { inFolder, measure, median } = require('./rounds');
const { createOrders } = require('./workloads');

const ROWS = 1_000_000;
/** Files are counted after so many syncs and a maintenance. */
const SYNCS = 50;
const ONE_IN = 100;

/**
 * @typedef {import('./source').Source} Source
 * @typedef {'duckdb' | 'ducklake'} Kind
 * @typedef {{ seconds: number, cpuSeconds: number, peakBytes: number }} Cost medians
 * @typedef {object} Lake
 * @property {Record<Kind, { load: Cost, changes: Cost }>} costs
 * @property {number} files Parquet files of the table after the load
 * @property {number} filesInTheEnd after SYNCS syncs and a maintenance, on the disk
 */

/**
 * @param {{ source: Source, main: string, rows: number | undefined, rounds: number, say: import('./tools').Say }} options
 * @returns {Promise<Lake>}
 */
async function measureLake({ source, main, rows = ROWS, rounds, say }) {
  const database = await source.create('lake', createOrders(rows));
  try {
    return await measured({ source, main, database, rounds, say });
  } finally {
    await source.drop(database);
  }
}

/**
 * @param {{ source: Source, main: string, database: string, rounds: number, say: import('./tools').Say }} options
 * @returns {Promise<Lake>}
 */
async function measured({ source, main, database, rounds, say }) {
  /** @type {Record<Kind, { load: import('./rounds').Run[], changes: import('./rounds').Run[] }>} */
  const runs = { duckdb: { load: [], changes: [] }, ducklake: { load: [], changes: [] } };
  let files = NaN;
  let filesInTheEnd = NaN;
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of /** @type {Kind[]} */ (['duckdb', 'ducklake'])) {
      await inFolder(async (folder) => {
        /** @param {import('./process-run').Command} command */
        const run = async (command) => {
          const result = await measure(source, database, command);
          if (result.failure !== undefined)
            throw new Error(`${result.failure}: ${result.output.trim().split('\n').at(-1)}`);
          return result;
        };
        const options = ['--destination', kind, ...extensions()];
        const sync = () => run(pgsluiceSync(main, source.server, { database, table: 'orders', folder }, options));
        runs[kind].load.push(await sync());
        if (kind === 'ducklake') files = parquetFiles(folder);
        const last = round === rounds - 1 && kind === 'ducklake';
        for (let step = 0; step < (last ? SYNCS : 1); step += 1) {
          await source.with(database, (client) =>
            client.query(`UPDATE public.orders SET status = 'changed' WHERE id % ${ONE_IN} = ${step % ONE_IN}`),
          );
          const next = await sync();
          if (step === 0) runs[kind].changes.push(next);
        }
        if (last) {
          const file = writeConfiguration(source.server, database, folder);
          await run(
            ofNode([main, 'maintain', '--configuration', file, '--lake-retention-hours', '0', ...options], folder),
          );
          filesInTheEnd = parquetFiles(folder);
        }
        const [load, changes] = [runs[kind].load.at(-1), runs[kind].changes.at(-1)];
        say(
          `  round ${round + 1}/${rounds}  ${kind} ${load?.seconds.toFixed(2)} s, then ${changes?.seconds.toFixed(2)} s`,
        );
      });
    }
  }
  /** @param {import('./rounds').Run[]} of */
  const cost = (of) => ({
    seconds: median(of.map((it) => it.seconds)),
    cpuSeconds: median(of.map((it) => it.cpuSeconds)),
    peakBytes: median(of.map((it) => it.peakBytes)),
  });
  /** @param {Kind} kind */
  const costs = (kind) => ({ load: cost(runs[kind].load), changes: cost(runs[kind].changes) });
  return { costs: { duckdb: costs('duckdb'), ducklake: costs('ducklake') }, files, filesInTheEnd };
}

/** @param {string} folder */
function parquetFiles(folder) {
  const data = path.join(folder, 'files', 'lake', 'data', 'tester');
  return readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((name) => /orders.*\.parquet$/.test(name))
    .length;
}

/** Those that scripts/setup.sh has fetched; else DuckDB installs its own. */
function extensions() {
  const version = require('@duckdb/node-api').version().replace(/^v/, '');
  const folder = path.join(__dirname, '..', '..', '.extensions', version);
  return existsSync(folder) ? ['--lake-extensions', folder] : [];
}

module.exports = { extensions, measureLake };
