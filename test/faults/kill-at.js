// Is loaded into the built command line with `node --require`. It kills the process, as `kill -9` does, at one call
// into the warehouse or the state file. TEST_KILL_AT is CALL:N:before or CALL:N:after, where CALL is a method of
// the destination (`commit`), `sql` for any statement of DuckDB, `stateFile`, `queue.` and a method of a fleet's queue, or
// one of the STATEMENTS that the source is sent.
const [call = '', nth, when] = (process.env.TEST_KILL_AT ?? '').split(':');
const { built } = require('../../scripts/built');
const { WarehouseDestination } = built('duckDbDestination');
const { Warehouse } = built('duckDbWarehouse');
const { Session } = built('session');
const stateFile = built('stateFile');

/** @type {Readonly<Record<string, string>>} */
const STATEMENTS = {
  sourceSnapshot: 'pg_export_snapshot',
  logPeek: 'FETCH 1 FROM pgsluice_log',
  keyedRows: '= ANY (E',
  missingKeys: 'WHERE NOT EXISTS (SELECT FROM',
  slotAdvance: 'pg_replication_slot_advance',
};

let calls = 0;

/**
 * @param {object} holder a module, or the prototype of a class
 * @param {string} name of its method
 * @param {(parameters: unknown[]) => boolean} counts whether a call is one of those that are counted
 */
function wrap(holder, name, counts = () => true) {
  /** @type {unknown} */
  const original = Reflect.get(holder, name);
  if (typeof original !== 'function') throw new Error(`There is no ${call} to be killed at.`);
  /** @this {unknown} @param {unknown[]} parameters @returns {unknown} */
  const killing = function (...parameters) {
    const here = counts(parameters) && ++calls === Number(nth);
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
else if (call in STATEMENTS) wrap(Session.prototype, 'query', ([sql]) => String(sql).includes(STATEMENTS[call] ?? ''));
else if (call.startsWith('queue.')) wrap(built('fleetQueue').FleetQueue.prototype, call.slice('queue.'.length));
else wrap(WarehouseDestination.prototype, call);
