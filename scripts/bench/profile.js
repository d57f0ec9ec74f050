// Says where the time of a sync goes. One sync runs in a process that watches itself (profiled-sync.js), and the server
// gives its own account.
const path = require('node:path');
const { pgsluiceSync } = require('./contenders');
const { inFolder, measure } = require('./rounds');
const { createOrders } = require('./workloads');

const MARK = 'profile:';

/**
 * The account that profiled-sync.js gives: seconds, and numbers of calls.
 * @typedef {object} Account
 * @property {number} wall
 * @property {number} odbc
 * @property {number} odbcCalls
 * @property {number} duckdb
 * @property {number} duckdbCalls
 * @property {number} both
 * @property {number} neither
 * @property {number} javascript
 */

/**
 * @param {{ source: import('./source').Source, main: string, rows: number, say: import('./tools').Say }} options
 * @returns {Promise<string>} a table
 */
async function profileSync({ source, main, rows, say }) {
  say(`making ${rows.toLocaleString('en')} rows of orders`);
  // The watcher reaches into modules, which the bundle does not have.
  const modules = path.join(path.dirname(main), '..', 'cli', 'main.js');
  const database = await source.create('profile', createOrders(rows));
  const run = await inFolder((folder) => {
    const command = pgsluiceSync(modules, source.server, { database, table: 'orders', folder });
    return measure(source, database, {
      ...command,
      arguments: ['--require', path.join(__dirname, 'profiled-sync.js'), ...command.arguments],
      env: { ...command.env, BENCH_MAIN: modules },
    });
  });
  await source.drop(database);
  const line = run.output.split('\n').find((it) => it.startsWith(MARK));
  if (run.failure !== undefined || line === undefined)
    throw new Error(`the profiled sync ${run.failure ?? 'said nothing'}`);
  /** @type {Account} */
  const account = JSON.parse(line.slice(MARK.length));
  const { wall, odbc, odbcCalls, duckdb, duckdbCalls, both, neither, javascript } = account;
  const server = (run.statements?.totalMs ?? NaN) / 1000;
  /** @type {[name: string, seconds: number, note: string][]} */
  const parts = [
    ['whole run', wall, ''],
    ['statements on the server', server, `sum of ${run.statements?.calls ?? '?'} statements; pg_stat_statements`],
    ['in the ODBC driver, waiting for the server included', odbc, `sum of ${odbcCalls} calls of all connections`],
    ['  of which driver, network, conversion', odbc - server, 'the difference'],
    ['in DuckDB', duckdb, `sum of ${duckdbCalls} calls`],
    ['in JavaScript', javascript, 'main thread busy'],
    ['ODBC and DuckDB both at work', both, 'overlap'],
    ['neither at work', neither, 'start-up, waiting, JavaScript alone'],
    ['CPU of the process', run.cpuSeconds, 'all threads'],
    ['CPU of the server', run.serverCpuSeconds, ''],
  ];
  return parts
    .map(([name, seconds, note]) => `  ${name.padEnd(52)} ${seconds.toFixed(2).padStart(7)} s  ${note}`.trimEnd())
    .join('\n');
}

module.exports = { profileSync };
