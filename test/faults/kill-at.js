// Is loaded into the built command line with `node --require`. It kills the process, as `kill -9` does, at one call
// into the warehouse or the state file. TEST_KILL_AT is CALL:N:before or CALL:N:after, where CALL is a method of
// the destination (`commit`), `sql` for any statement of DuckDB, or `stateFile`.
const [call = '', nth, when] = (process.env.TEST_KILL_AT ?? '').split(':');
const { built } = require('../../scripts/built');
const { DuckDbDestination } = built('duckDbDestination');
const { Warehouse } = built('duckDbWarehouse');
const stateFile = built('stateFile');

let calls = 0;

/**
 * @param {object} holder a module, or the prototype of a class
 * @param {string} name of its method
 */
function wrap(holder, name) {
  /** @type {unknown} */
  const original = Reflect.get(holder, name);
  if (typeof original !== 'function') throw new Error(`There is no ${call} to be killed at.`);
  /** @this {unknown} @param {unknown[]} parameters @returns {unknown} */
  const killing = function (...parameters) {
    const here = ++calls === Number(nth);
    if (here && when === 'before') process.kill(process.pid, 'SIGKILL');
    /** @type {unknown} */
    const result = original.apply(this, parameters);
    if (!here) return result;
    /** @type {(value: unknown) => unknown} */
    const kill = (value) => {
      process.kill(process.pid, 'SIGKILL');
      return value;
    };
    return result instanceof Promise ? result.then(kill, kill) : kill(result);
  };
  if (!Reflect.set(holder, name, killing)) throw new Error(`${call} cannot be replaced.`);
}

if (call === 'stateFile') wrap(stateFile, 'writeStateFile');
else if (call === 'sql') for (const name of ['run', 'runPrepared']) wrap(Warehouse.prototype, name);
else wrap(DuckDbDestination.prototype, call);
