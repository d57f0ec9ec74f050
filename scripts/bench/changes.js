// Compares `verify`, and incremental syncs after some of the rows have changed, with reading all of them anew.
const { pgsluiceSync, pgsluiceVerify } = require('./contenders');
const { inFolder, measure, median } = require('./rounds');

/** @typedef {import('./source').Source} Source @typedef {import('./tools').Say} Say */

/** One row in this many is changed: 1 %, then 0.1 %. */
const ONE_IN = [100, 1_000];

/**
 * @typedef {{ oneIn: number, rowsChanged: number, seconds: number }} Incremental
 * @typedef {{ fullSeconds: number, verifySeconds: number, incremental: Incremental[], failure?: string }} Changes
 */

/**
 * @param {{ source: Source, main: string, database: string, rounds: number, say: Say }} options
 * @returns {Promise<Changes>}
 */
async function measureChanges({ source, main, database, rounds, say }) {
  /** @type {number[]} */
  const full = [];
  /** @type {number[]} */
  const verified = [];
  /** @type {{ oneIn: number, rowsChanged: number, seconds: number[] }[]} */
  const later = ONE_IN.map((oneIn) => ({ oneIn, rowsChanged: 0, seconds: [] }));
  for (let round = 0; round < rounds; round += 1) {
    const failure = await inFolder(async (folder) => {
      const options = { database, table: 'orders', folder };
      const sync = () => measure(source, database, pgsluiceSync(main, source.server, options));
      const first = await sync();
      if (first.failure !== undefined) return described(first);
      full.push(first.seconds);
      const verify = await measure(source, database, pgsluiceVerify(main, source.server, options));
      if (verify.failure !== undefined) return described(verify);
      verified.push(verify.seconds);
      for (const step of later) {
        step.rowsChanged = await changeRows(source, database, step.oneIn, round);
        const next = await sync();
        if (next.failure !== undefined) return described(next);
        step.seconds.push(next.seconds);
      }
      const parts = [verified, ...later.map(({ seconds }) => seconds)].map(
        (seconds) => `${seconds.at(-1)?.toFixed(2)} s`,
      );
      say(`  round ${round + 1}/${rounds}  full ${first.seconds.toFixed(2)} s, verify and changes ${parts.join(', ')}`);
      return undefined;
    });
    if (failure !== undefined) return { fullSeconds: NaN, verifySeconds: NaN, incremental: [], failure };
  }
  return {
    fullSeconds: median(full),
    verifySeconds: median(verified),
    incremental: later.map((step) => ({ ...step, seconds: median(step.seconds) })),
  };
}

/** @param {import('./rounds').Run} run */
function described(run) {
  return `${run.failure}: ${run.output.trim().split('\n').at(-1)}`;
}

/**
 * Changes rows all over the table, as updates do, and other rows in every round.
 * @param {Source} source
 * @param {string} database
 * @param {number} oneIn
 * @param {number} round
 * @returns {Promise<number>} how many
 */
async function changeRows(source, database, oneIn, round) {
  return source.with(database, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE public.orders SET status = 'changed', updated_at = now() WHERE id % ${oneIn} = ${round % oneIn}`,
    );
    return rowCount ?? 0;
  });
}

module.exports = { measureChanges };
