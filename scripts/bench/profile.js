// Where the time of a sync goes: one sync in a process that watches itself (profiled-sync.js), beside the server's own account.
const path = require('node:path');
const { pgsluiceSync } = require('./contenders');
const { inFolder, measure } = require('./rounds');
const { createOrders } = require('./workloads');

const MARK = 'profile:';

/** @returns {Promise<string>} a table */
async function profileSync({ source, main, rows, say }) {
  say(`making ${rows.toLocaleString('en')} rows of orders`);
  // The watcher reaches into modules, which the bundle has not.
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
  const { wall, odbc, odbcCalls, duckdb, duckdbCalls, both, neither, javascript } = JSON.parse(line.slice(MARK.length));
  const server = (run.statements?.totalMs ?? NaN) / 1000;
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
