// Measures how time and memory grow with the rows of a table, and with the number of tables. Time should be a straight
// line, memory a flat one.
const { pgsluiceSync } = require('./contenders');
const { inFolder, measure, median } = require('./rounds');
const { createOrders, createSmallTables, growOrders } = require('./workloads');

/** The sizes include 1,000,000 rows and 5 times as many, which the memory bar compares. */
const SIZES = {
  standard: { rows: [100_000, 300_000, 1_000_000, 5_000_000], tables: [1, 30, 100, 300] },
  full: { rows: [100_000, 300_000, 1_000_000, 3_000_000, 5_000_000, 10_000_000], tables: [1, 100, 500, 1_000, 2_000] },
};

/** A bar compares their memory: one run alone is some percent more or less than the next. */
const COMPARED_ROWS = new Set([1_000_000, 5_000_000]);

/**
 * @typedef {{ size: number, seconds: number, peakBytes: number }} GrowthPoint
 * @typedef {{ rows: GrowthPoint[], tables: GrowthPoint[] }} Growth
 * @typedef {{ rows: number[], tables: number[] }} Sizes
 * @typedef {import('./source').Source} Source
 * @typedef {import('./tools').Say} Say
 */

/**
 * @param {{ rows?: number, full: boolean }} choices
 * @returns {Sizes}
 */
function growthSizes({ rows, full }) {
  const sizes = full ? SIZES.full : SIZES.standard;
  if (rows === undefined) return sizes;
  /** @type {(numbers: number[]) => number[]} */
  const scale = (numbers) => [...new Set(numbers.map((it) => Math.max(1, Math.round((it * rows) / 1_000_000))))];
  return { rows: scale(sizes.rows), tables: scale(sizes.tables) };
}

/**
 * @param {{ source: Source, main: string, sizes: Sizes, rounds: number, say: Say }} options
 * @returns {Promise<Growth>}
 */
async function measureGrowth({ source, main, sizes, rounds, say }) {
  /** @type {(size: number) => number} */
  const roundsOf = (size) => (COMPARED_ROWS.has(size) ? rounds : 1);
  const rows = await grow({ source, main, roundsOf, say, name: 'growth_rows', sizes: sizes.rows }, (from, to) =>
    from === 0 ? createOrders(to) : growOrders(from + 1, to),
  );
  const once = () => 1;
  const tables = await grow(
    { source, main, roundsOf: once, say, name: 'growth_tables', sizes: sizes.tables },
    (from, to) => createSmallTables(to - from, from + 1),
  );
  return { rows, tables };
}

/**
 * @typedef {object} Curve
 * @property {Source} source
 * @property {string} main
 * @property {(size: number) => number} roundsOf
 * @property {Say} say
 * @property {string} name of the database
 * @property {number[]} sizes
 *
 * @param {Curve} curve
 * @param {(from: number, to: number) => string[]} statementsFromTo
 * @returns {Promise<GrowthPoint[]>}
 */
async function grow({ source, main, roundsOf, say, name, sizes }, statementsFromTo) {
  /** @type {GrowthPoint[]} */
  const points = [];
  const database = await source.create(name, []);
  let size = 0;
  for (const next of sizes) {
    await source.run(database, statementsFromTo(size, next));
    size = next;
    /** @type {import('./rounds').Run[]} */
    const runs = [];
    for (let round = 0; round < roundsOf(size); round += 1) {
      const run = await inFolder((folder) =>
        measure(source, database, pgsluiceSync(main, source.server, { database, table: undefined, folder })),
      );
      if (run.failure === undefined) runs.push(run);
      else say(`  ${name} ${size}: ${run.failure}`);
    }
    if (runs.length === 0) break;
    const point = {
      size,
      seconds: median(runs.map((run) => run.seconds)),
      peakBytes: median(runs.map((run) => run.peakBytes)),
    };
    points.push(point);
    say(
      `  ${name.replace('growth_', '')} ${size.toLocaleString('en')}: ${point.seconds.toFixed(2)} s, ${(point.peakBytes / 1e6).toFixed(0)} MB`,
    );
  }
  await source.drop(database);
  return points;
}

module.exports = { growthSizes, measureGrowth };
