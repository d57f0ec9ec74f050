// Loaded into the built command line with `node --require`: kills the process, as `kill -9` does, at one call
// into the warehouse or the state file. TEST_KILL_AT is CALL:N:before or CALL:N:after, where CALL is a method of
// the destination (`commit`), `sql` for any statement of DuckDB, or `stateFile`.
const [call, nth, when] = (process.env.TEST_KILL_AT ?? '').split(':');
const { DuckDbDestination } = require('../../dist/destination/duckdb-destination.js');
const { Warehouse } = require('../../dist/destination/duckdb-warehouse.js');
const stateFile = require('../../dist/destination/state-file.js');

let calls = 0;

function wrap(holder, name) {
  const original = holder[name];
  if (typeof original !== 'function') throw new Error(`There is no ${call} to be killed at.`);
  holder[name] = function (...parameters) {
    const here = ++calls === Number(nth);
    if (here && when === 'before') process.kill(process.pid, 'SIGKILL');
    const result = original.apply(this, parameters);
    if (!here) return result;
    const kill = (value) => {
      process.kill(process.pid, 'SIGKILL');
      return value;
    };
    return result instanceof Promise ? result.then(kill, kill) : kill(result);
  };
}

if (call === 'stateFile') wrap(stateFile, 'writeStateFile');
else if (call === 'sql') for (const name of ['run', 'runPrepared']) wrap(Warehouse.prototype, name);
else wrap(DuckDbDestination.prototype, call);
