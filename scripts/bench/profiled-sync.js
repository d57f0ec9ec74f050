// Is loaded into pgsluice with `node --require`. It times the calls that leave JavaScript, and prints the sums at the end.
const { createRequire } = require('node:module');
const path = require('node:path');
const { performance } = require('node:perf_hooks');
const { built } = require('../built');

const main = process.env.BENCH_MAIN ?? '';
const fromMain = createRequire(main);
const dist = path.join(path.dirname(main), '..');

/** Counts the calls of one kind: how many are under way, how many there were, and how long they took together. */
class Activity {
  active = 0;
  sum = 0;
  calls = 0;
}
const odbc = new Activity();
const duckdb = new Activity();
const during = { both: 0, neither: 0 };
let changedAt = performance.now();

function account() {
  const now = performance.now();
  if (odbc.active > 0 && duckdb.active > 0) during.both += now - changedAt;
  if (odbc.active === 0 && duckdb.active === 0) during.neither += now - changedAt;
  changedAt = now;
}

/**
 * Wraps an asynchronous method of a class.
 * @param {object} prototype
 * @param {string} method
 * @param {Activity} activity
 */
function time(prototype, method, activity) {
  /** @type {unknown} */
  const original = Reflect.get(prototype, method);
  if (typeof original !== 'function') return;
  /** @this {unknown} @param {unknown[]} args @returns {Promise<unknown>} */
  const timed = async function (...args) {
    account();
    activity.active += 1;
    activity.calls += 1;
    const started = performance.now();
    try {
      return await original.apply(this, args);
    } finally {
      account();
      activity.active -= 1;
      activity.sum += performance.now() - started;
    }
  };
  Reflect.set(prototype, method, timed);
}

const { Session } = built('session', dist);
time(Session.prototype, 'query', odbc);
/** @type {typeof import('@duckdb/node-api')} */
const api = fromMain('@duckdb/node-api');
time(api.DuckDBConnection.prototype, 'run', duckdb);
time(api.DuckDBConnection.prototype, 'runAndReadAll', duckdb);
time(api.DuckDBConnection.prototype, 'prepare', duckdb);
time(api.DuckDBPreparedStatement.prototype, 'run', duckdb);

const startedAt = performance.now();
process.on('exit', () => {
  account();
  /** @type {(ms: number) => number} */
  const seconds = (ms) => ms / 1000;
  const result = {
    wall: seconds(performance.now() - startedAt),
    odbc: seconds(odbc.sum),
    odbcCalls: odbc.calls,
    duckdb: seconds(duckdb.sum),
    duckdbCalls: duckdb.calls,
    both: seconds(during.both),
    neither: seconds(during.neither),
    javascript: seconds(performance.eventLoopUtilization().active),
  };
  process.stdout.write(`\nprofile:${JSON.stringify(result)}\n`);
});
