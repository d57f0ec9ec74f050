// Measures the same work over a long way: behind a proxy that holds every byte back for half of a round trip.
const { fork } = require('node:child_process');
const { mkdirSync } = require('node:fs');
const path = require('node:path');
const { pgsluiceSync } = require('./contenders');
const { createPeers } = require('./peers');
const { inFolder, measure, median } = require('./rounds');
const { createOrders, createSmallTables } = require('./workloads');

/** Round trips in milliseconds: the same machine, a city, another region, another continent. */
const ROUND_TRIPS_MS = [0, 10, 50, 100];
/** The distance of the bars, and the only one of the small tables. */
const FAR_MS = 50;
const SIZES = { rows: 1_000_000, tables: 1_000 };
const PEERS = ['pyodbc', 'copy'];

/**
 * @typedef {import('./source').Source} Source
 * @typedef {import('./tools').Say} Say
 * @typedef {'orders' | 'unchanged' | 'tables' | 'pyodbc' | 'copy'} Kind
 */

/**
 * @typedef {object} Far runs of one kind over one distance
 * @property {Kind} kind
 * @property {string} what
 * @property {number} roundTripMs
 * @property {number} seconds median
 * @property {number} roundTrips one after the other on the connection that had most of them; median
 * @property {string} [failure] why there are no numbers
 */

/** @typedef {{ far: Far[], skipped: string[][] }} Distance */

/**
 * @typedef {object} Options
 * @property {Source} source
 * @property {string} main
 * @property {string} driver
 * @property {number | undefined} rows in place of the full size; tables in proportion
 * @property {number} rounds
 * @property {Say} say
 *
 * @param {Options} options
 * @returns {Promise<Distance>}
 */
async function measureDistance({ source, main, driver, rows = SIZES.rows, rounds, say }) {
  const tables = Math.max(1, Math.round((SIZES.tables * rows) / SIZES.rows));
  const orders = await source.create('distance_orders', createOrders(rows));
  const small = await source.create('distance_tables', createSmallTables(tables));
  /** @type {Map<string, Far & { all: Taken[] }>} */
  const far = new Map();
  /** @type {Map<string, string>} */
  const missing = new Map();
  for (let round = 0; round < rounds; round += 1) {
    for (const roundTripMs of ROUND_TRIPS_MS) {
      const proxy = await startProxy(source.server, roundTripMs / 2);
      const server = { ...source.server, host: '127.0.0.1', port: proxy.port };
      const peers = createPeers({ server, driver, say }).filter(({ name }) => PEERS.includes(name));
      /** @type {(kind: Kind, what: string, database: string, command: import('./process-run').Command) => Promise<void>} */
      const take = async (kind, what, database, command) => {
        proxy.reset();
        const run = await measure(source, database, command);
        const name = `${kind} ${roundTripMs}`;
        const known = far.get(name) ?? { kind, what, roundTripMs, seconds: NaN, roundTrips: NaN, all: [] };
        if (run.failure === undefined) known.all.push({ seconds: run.seconds, roundTrips: await proxy.count() });
        else known.failure = `${run.failure}: ${run.output.trim().split('\n').at(-1)}`;
        far.set(name, known);
        say(
          `  round ${round + 1}/${rounds}  ${roundTripMs} ms, ${what}: ${known.failure ?? `${run.seconds.toFixed(2)} s`}`,
        );
      };
      try {
        await inFolder(async (folder) => {
          const job = { database: orders, table: 'orders', folder };
          const many = `${rows.toLocaleString('en')} rows`;
          await take('orders', `pgsluice, ${many}`, orders, pgsluiceSync(main, server, job));
          await take('unchanged', `pgsluice, ${many} unchanged`, orders, pgsluiceSync(main, server, job));
          for (const peer of peers) {
            const reason = peer.missing();
            if (reason !== undefined) missing.set(peer.name, reason);
            else await take(/** @type {Kind} */ (peer.name), `${peer.name}, ${many}`, orders, peer.command(job));
          }
          if (roundTripMs !== 0 && roundTripMs !== FAR_MS) return;
          const other = path.join(folder, 'tables');
          mkdirSync(other);
          const what = `pgsluice, ${tables.toLocaleString('en')} tables of 10 rows`;
          const command = pgsluiceSync(main, server, { database: small, table: undefined, folder: other });
          await take('tables', what, small, command);
        });
      } finally {
        proxy.end();
      }
    }
  }
  await source.drop(orders);
  await source.drop(small);
  return {
    far: [...far.values()].map(({ all, ...it }) => ({
      ...it,
      seconds: median(all.map(({ seconds }) => seconds)),
      roundTrips: median(all.map(({ roundTrips }) => roundTrips)),
    })),
    skipped: [...missing],
  };
}

/** @typedef {{ seconds: number, roundTrips: number }} Taken */

/**
 * @param {import('./source').ServerCoordinates} server
 * @param {number} delayMs each way
 */
async function startProxy({ host, port }, delayMs, bytesPerSecond = Infinity) {
  const limits = [String(delayMs), String(bytesPerSecond)];
  const child = fork(path.join(__dirname, 'delay-proxy.js'), [host, String(port), ...limits]);
  /** @type {() => Promise<{ port?: number, most?: number }>} */
  const answer = () => new Promise((resolve) => child.once('message', (message) => resolve(Object(message))));
  const { port: own = 0 } = await answer();
  return {
    port: own,
    reset: () => void child.send('reset'),
    count: async () => {
      const counted = answer();
      child.send('count');
      return (await counted).most ?? NaN;
    },
    end: () => void (child.connected && child.send('end')),
  };
}

module.exports = { FAR_MS, measureDistance, startProxy };
