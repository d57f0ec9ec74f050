// Measures syncs that find little or nothing to do: their time, and what they add to the warehouse file. Another build,
// such as that of an earlier commit, does the same in turn.
const { mkdirSync, statSync } = require('node:fs');
const path = require('node:path');
const { DuckDBInstance } = require('@duckdb/node-api');
const { pgsluiceSync } = require('./contenders');
const { inFolder, measure, median } = require('./rounds');
const { createOrders, createSmallTables } = require('./workloads');

const SIZES = { tables: 1_000, rows: 1_000_000 };
/** So many syncs without any change come one after the other before anything changes. */
const GROWTH_SYNCS = 10;
/** One table in this many is changed by a row, and one row in so many is deleted. */
const TABLES_PER_CHANGE = 100;
const ROWS_PER_DELETE = 1_000;
/** A sync of unchanged rows takes well under a second, and its bar is narrow: more of them steady the median. */
const UNCHANGED_PER_ROUND = 3;

/**
 * @typedef {import('./source').Source} Source
 * @typedef {import('./tools').Say} Say
 * @typedef {{ name: 'pgsluice' | 'against', main: string }} Build
 * @typedef {{ tables: number, rows: number }} Sizes
 * @typedef {'load' | 'unchanged' | 'changed' | 'deleted' | 'oldest deleted'} Kind
 */

/**
 * A step is one sync of every build.
 * @typedef {object} Step
 * @property {Kind} kind
 * @property {string} what
 * @property {() => Promise<void>} [change] what happens to the source before
 * @property {(warehouse: string) => Promise<number>} [differing] rows in which the warehouse differs from the source
 */

/**
 * @typedef {object} QuietSync syncs of one kind by one build
 * @property {keyof Sizes} of
 * @property {Kind} kind
 * @property {string} what
 * @property {Build['name']} build
 * @property {number} seconds median
 * @property {number} cpuSeconds median, of the program itself
 * @property {number} serverCpuSeconds median
 * @property {number} [grownBytes] by which the warehouse file grew in the syncs that are there to see it
 * @property {number} [differing] rows, the most that differed after any of these syncs
 * @property {string} [failure] why there are no numbers
 */

/** @typedef {{ growthSyncs: number, syncs: QuietSync[] }} Quiet */

/**
 * @typedef {object} Options
 * @property {Source} source
 * @property {string} main
 * @property {string | undefined} against
 * @property {number | undefined} rows in place of the full size; tables in proportion
 * @property {number} rounds
 * @property {Say} say
 *
 * @param {Options} options
 * @returns {Promise<Quiet>}
 */
async function measureQuiet({ source, main, against, rows = SIZES.rows, rounds, say }) {
  /** @type {Build[]} */
  const builds = [{ name: 'pgsluice', main }, ...(against === undefined ? [] : [ofAgainst(against)])];
  const tables = Math.max(1, Math.round((SIZES.tables * rows) / SIZES.rows));
  const ofTables = await measureTables({ source, builds, tables, rounds, say });
  const ofRows = await measureRows({ source, builds, rows, rounds, say });
  return { growthSyncs: GROWTH_SYNCS, syncs: [...ofTables, ...ofRows] };
}

/**
 * @param {string} main
 * @returns {Build}
 */
function ofAgainst(main) {
  return { name: 'against', main };
}

/**
 * @param {{ source: Source, builds: Build[], tables: number, rounds: number, say: Say }} options
 * @returns {Promise<QuietSync[]>}
 */
async function measureTables({ source, builds, tables, rounds, say }) {
  const database = await source.create('quiet_tables', createSmallTables(tables));
  const all = `${tables.toLocaleString('en')} tables of 10 rows`;
  /** @type {Step} */
  const load = { kind: 'load', what: `${all}, the first sync` };
  /** @type {Step} */
  const unchanged = { kind: 'unchanged', what: `${all}, unchanged` };
  /** @type {(round: number) => Step} */
  const changed = (round) => {
    const names = changedTables(tables, round);
    const text = `changed in round ${round + 1}`;
    return {
      kind: 'changed',
      what: `${all}, ${names.length} of them changed by a row each`,
      change: () => changeRow(source, database, names, text),
      differing: async (warehouse) => names.length - (await countRows(warehouse, names, `name = '${text}'`)),
    };
  };
  const steps = [
    load,
    ...repeated(GROWTH_SYNCS, () => [unchanged]),
    ...repeated(rounds, (n) => [changed(n), unchanged]),
  ];
  const syncs = await measureInTurn({ source, database, builds, options: [], of: 'tables', steps, say });
  await source.drop(database);
  return syncs;
}

/**
 * @param {{ source: Source, builds: Build[], rows: number, rounds: number, say: Say }} options
 * @returns {Promise<QuietSync[]>}
 */
async function measureRows({ source, builds, rows, rounds, say }) {
  const database = await source.create('quiet_rows', createOrders(rows));
  const deletes = Math.max(1, Math.round(rows / ROWS_PER_DELETE));
  const all = `${rows.toLocaleString('en')} rows`;
  const some = deletes.toLocaleString('en');
  let left = rows;
  /** @type {(kind: Kind, what: string, condition: string) => Step} */
  const deleted = (kind, what, condition) => ({
    kind,
    what: `${all}, ${some} ${what}`,
    change: async () => {
      left -= await deleteRows(source, database, condition);
    },
    differing: async (warehouse) => Math.abs((await countRows(warehouse, ['orders'], 'true')) - left),
  });
  // Rows all over the table are the harder case: few ranges of keys are without one.
  const oldest = `id IN (SELECT id FROM public.orders ORDER BY id LIMIT ${deletes})`;
  const steps = [
    /** @type {Step} */ ({ kind: 'load', what: `${all}, the first sync` }),
    ...repeated(rounds, (round) => [
      ...repeated(UNCHANGED_PER_ROUND, () => [{ kind: 'unchanged', what: `${all}, unchanged` }]),
      deleted('deleted', 'deleted all over the table', `id % ${ROWS_PER_DELETE} = ${round % ROWS_PER_DELETE}`),
      deleted('oldest deleted', 'deleted, the oldest', oldest),
    ]),
  ];
  const options = ['--sync-mode', 'xmin'];
  const syncs = await measureInTurn({ source, database, builds, options, of: 'rows', steps, say });
  await source.drop(database);
  return syncs;
}

/**
 * @param {number} times
 * @param {(time: number) => Step[]} steps
 */
function repeated(times, steps) {
  return Array.from({ length: times }, (_, time) => steps(time)).flat();
}

/**
 * Names tables all over the list, others in each round.
 * @param {number} tables
 * @param {number} round
 */
function changedTables(tables, round) {
  const count = Math.max(1, Math.round(tables / TABLES_PER_CHANGE));
  const stride = Math.max(1, Math.floor(tables / count));
  return Array.from(
    { length: count },
    (_, n) => `small_${String(1 + ((n * stride + round) % tables)).padStart(5, '0')}`,
  );
}

/**
 * @param {Source} source
 * @param {string} database
 * @param {string[]} tables
 * @param {string} text
 */
async function changeRow(source, database, tables, text) {
  await source.with(database, async (client) => {
    for (const table of tables) await client.query(`UPDATE public.${table} SET name = $1 WHERE id = 5`, [text]);
  });
}

/**
 * @param {Source} source
 * @param {string} database
 * @param {string} condition
 * @returns {Promise<number>} how many
 */
async function deleteRows(source, database, condition) {
  return source.with(database, async (client) => {
    const { rowCount } = await client.query(`DELETE FROM public.orders WHERE ${condition}`);
    return rowCount ?? 0;
  });
}

/**
 * Counts rows of tables in a warehouse that are not marked as deleted.
 * @param {string} warehouse
 * @param {string[]} tables
 * @param {string} condition
 */
async function countRows(warehouse, tables, condition) {
  const instance = await DuckDBInstance.create(warehouse, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  try {
    const each = tables.map(
      (table) => `SELECT 1 FROM tester.source_public_${table} WHERE NOT _fivetran_deleted AND ${condition}`,
    );
    const reader = await connection.runAndReadAll(`SELECT count(*) FROM (${each.join(' UNION ALL ')})`);
    return Number(reader.getRows()[0]?.[0]);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/**
 * @typedef {{ step: Step, run: import('./rounds').Run, grownBytes: number, differing?: number }} Taken
 * @typedef {Build & { folder: string, taken: Taken[], failure?: string }} Subject
 */

/**
 * @typedef {object} Turns
 * @property {Source} source
 * @property {string} database
 * @property {Build[]} builds
 * @property {string[]} options of every sync
 * @property {keyof Sizes} of
 * @property {Step[]} steps
 * @property {Say} say
 *
 * @param {Turns} turns
 * @returns {Promise<QuietSync[]>}
 */
async function measureInTurn({ source, database, builds, options, of, steps, say }) {
  return inFolder(async (folder) => {
    /** @type {Subject[]} */
    const subjects = builds.map((build) => ({ ...build, folder: path.join(folder, build.name), taken: [] }));
    for (const subject of subjects) mkdirSync(subject.folder);
    for (const [index, step] of steps.entries()) {
      await step.change?.();
      // Another one begins each time, because what comes first finds colder caches.
      const before = steps.slice(0, index).filter(({ kind }) => kind === step.kind).length;
      const order = before % 2 === 0 ? subjects : subjects.toReversed();
      for (const subject of order) {
        if (subject.failure === undefined) await take({ source, database, options, step, subject });
      }
      const shown = subjects.map(({ name, taken, failure }) => `${name} ${failure ?? seconds(taken.at(-1))}`);
      say(`  ${step.what}: ${shown.join(', ')}`);
    }
    const kinds = new Map(steps.map((step) => [step.kind, step]));
    return [...kinds.values()].flatMap((step) => subjects.map((subject) => summarize(subject, of, step)));
  });
}

/**
 * Does one sync of one build; what comes of it is noted there.
 * @param {{ source: Source, database: string, options: string[], step: Step, subject: Subject }} turn
 */
async function take({ source, database, options, step, subject }) {
  const { main, folder } = subject;
  const warehouse = path.join(folder, 'warehouse.db');
  const job = { database, table: undefined, folder };
  const before = warehouseBytes(warehouse);
  const run = await measure(
    source,
    database,
    pgsluiceSync(main, source.server, job, ['--warehouse', warehouse, ...options]),
  );
  if (run.failure !== undefined) {
    subject.failure = `${run.failure}: ${run.output.trim().split('\n').at(-1)}`;
    return;
  }
  const grownBytes = warehouseBytes(warehouse) - before;
  const differing = await step.differing?.(warehouse);
  subject.taken.push({ step, run, grownBytes, ...(differing === undefined ? {} : { differing }) });
}

/** @param {Taken | undefined} taken */
function seconds(taken) {
  return `${taken?.run.seconds.toFixed(2)} s`;
}

/**
 * Returns the size of a warehouse with its log, 0 before there is one.
 * @param {string} warehouse
 */
function warehouseBytes(warehouse) {
  return [warehouse, `${warehouse}.wal`]
    .map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);
}

/**
 * @param {Subject} subject
 * @param {keyof Sizes} of
 * @param {Step} step one of the kind that is summed up
 * @returns {QuietSync}
 */
function summarize({ name, taken, failure }, of, { kind, what }) {
  const ofKind = failure === undefined ? taken.filter(({ step }) => step.kind === kind) : [];
  /** @type {(field: 'seconds' | 'cpuSeconds' | 'serverCpuSeconds') => number} */
  const middle = (field) => median(ofKind.map(({ run }) => run[field]));
  const differing = ofKind.flatMap((it) => (it.differing === undefined ? [] : [it.differing]));
  const watched = of === 'tables' && kind === 'unchanged' ? ofKind.slice(0, GROWTH_SYNCS) : [];
  return {
    of,
    kind,
    what,
    build: name,
    seconds: middle('seconds'),
    cpuSeconds: middle('cpuSeconds'),
    serverCpuSeconds: middle('serverCpuSeconds'),
    ...(watched.length === 0 ? {} : { grownBytes: watched.reduce((sum, it) => sum + it.grownBytes, 0) }),
    ...(differing.length === 0 ? {} : { differing: Math.max(...differing) }),
    ...(failure === undefined ? {} : { failure }),
  };
}

module.exports = { measureQuiet };
