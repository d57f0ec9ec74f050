// The bars are what the project promises of its own speed and memory. This says whether a run kept them.
const { FAR_MS } = require('./distance');

/**
 * @typedef {{ what: string, bar: number, goal: number, unit: string, measured: number }} Bar
 */

/**
 * @typedef {object} Results
 * @property {Map<string, (import('./rounds').Measured & { size: number })[]>} results by workload
 * @property {import('./growth').Growth | undefined} growth
 * @property {import('./changes').Changes | undefined} changes
 * @property {import('./lake').Lake | undefined} lake
 * @property {import('./fleet').Fleet | undefined} fleet
 * @property {import('./quiet').Quiet | undefined} quiet
 * @property {import('./distance').Distance | undefined} distance
 * @property {import('./log').LogPasses | undefined} log
 * @property {import('./small-things').SmallThings | undefined} small
 */

/**
 * @param {Results} measured
 * @returns {Bar[]} `measured` is NaN where this run has no number for it
 */
function assessBars({ results, growth, changes, lake, fleet, quiet, distance, log, small }) {
  /** @type {(workload: string, name: string) => import('./rounds').Measured | undefined} */
  const of = (workload, name) => results.get(workload)?.find((it) => it.name === name && it.failure === undefined);
  /** @type {(workload: string, name: string, other: string) => number} */
  const ratio = (workload, name, other) => divide(of(workload, name)?.seconds, of(workload, other)?.seconds);
  const tables = results.get('tables')?.find((it) => it.name === 'pgsluice');
  const everyLongest = [...results.values()].flat().filter((it) => it.name.startsWith('pgsluice'));
  const longest = everyLongest.map((it) => it.longestStatementMs).filter((it) => it !== undefined);
  const one = growth?.rows.find((point) => point.size === 1_000_000);
  const five = growth?.rows.find((point) => point.size === 5_000_000);
  /** @type {[what: string, bar: number, goal: number, unit: string, measured: number][]} */
  const bars = [
    [
      'orders, server to warehouse file: time ÷ pyodbc (which writes nothing)',
      0.33,
      0.25,
      '',
      ratio('orders', 'pgsluice', 'pyodbc'),
    ],
    ['orders, reading alone: time ÷ COPY', 1.2, 0.9, '', ratio('orders', 'pgsluice-null', 'copy')],
    [
      'orders, through gRPC to another process: time ÷ pyodbc',
      0.6,
      0.35,
      '',
      ratio('orders', 'pgsluice-grpc', 'pyodbc'),
    ],
    ['wide: time ÷ pyodbc', 0.5, 0.3, '', ratio('wide', 'pgsluice', 'pyodbc')],
    ['long texts: time ÷ pyodbc', 0.5, 0.3, '', ratio('texts', 'pgsluice', 'pyodbc')],
    ['orders: peak memory', 300, 200, 'MB', (of('orders', 'pgsluice')?.peakBytes ?? NaN) / 1e6],
    ['orders: peak memory, 5,000,000 ÷ 1,000,000 rows', 1.15, 1.05, '', divide(five?.peakBytes, one?.peakBytes)],
    ['small tables: time of each', 10, 4, 'ms', ((tables?.seconds ?? NaN) * 1000) / (tables?.size ?? NaN)],
    [
      'longest statement on the server, any workload',
      0.2,
      0.05,
      's',
      longest.length === 0 ? NaN : Math.max(...longest) / 1000,
    ],
    ['one resource sample', 10, 3, 'µs', (small?.sample ?? NaN) * 1e6],
    ['incremental, 1 % changed: time ÷ full', 0.15, 0.05, '', incremental(changes, 100)],
    ['incremental, 0.1 % changed: time ÷ full', 0.1, 0.05, '', incremental(changes, 1_000)],
    ...quietBars(quiet),
    ...lakeBars(lake),
    ...fleetBars(fleet),
    ...distanceBars(distance),
    ...logBars(log),
    ['start-up of pgsluice --version', 150, 80, 'ms', (small?.startUp ?? NaN) * 1000],
  ];
  return bars.map(([what, bar, goal, unit, measured]) => ({ what, bar, goal, unit, measured }));
}

/**
 * @param {import('./lake').Lake | undefined} lake
 * @returns {[what: string, bar: number, goal: number, unit: string, measured: number][]}
 */
function lakeBars(lake) {
  const [file, inLake] = [lake?.costs.duckdb, lake?.costs.ducklake];
  return [
    ['orders into a lake ÷ into a file: CPU', 1.15, 1, '', divide(inLake?.load.cpuSeconds, file?.load.cpuSeconds)],
    ['orders into a lake ÷ into a file: time', 1.15, 1, '', divide(inLake?.load.seconds, file?.load.seconds)],
    ['incremental, 1 % changed: lake ÷ file, time', 1.3, 1, '', divide(inLake?.changes.seconds, file?.changes.seconds)],
    ['Parquet files of orders', 12, 6, '', lake?.files ?? NaN],
    ['Parquet files of orders after 50 syncs and a maintenance', 20, 12, '', lake?.filesInTheEnd ?? NaN],
  ];
}

/**
 * @param {import('./fleet').Fleet | undefined} fleet
 * @returns {[what: string, bar: number, goal: number, unit: string, measured: number][]}
 */
function fleetBars(fleet) {
  const [one, all] = [fleet?.one, fleet?.all];
  return [
    ['16 sources far away, 8 workers ÷ 1 worker: time', 0.2, 0.14, '', divide(all?.seconds, one?.seconds)],
    ['the same, CPU of the workers', 1.3, 1.1, '', divide(all?.cpuSeconds, one?.cpuSeconds)],
    ['fleet: takeover of the job of a killed worker', 15, 10, 's', fleet?.takeoverSeconds ?? NaN],
  ];
}

/**
 * @param {import('./changes').Changes | undefined} changes
 * @param {number} oneIn
 */
function incremental(changes, oneIn) {
  return divide(changes?.incremental.find((it) => it.oneIn === oneIn)?.seconds, changes?.fullSeconds);
}

/**
 * @param {import('./quiet').Quiet | undefined} quiet
 * @returns {[what: string, bar: number, goal: number, unit: string, measured: number][]}
 */
function quietBars(quiet) {
  /** @type {(of: 'tables' | 'rows', kind: import('./quiet').Kind, build?: string) => import('./quiet').QuietSync | undefined} */
  const sync = (of, kind, build = 'pgsluice') =>
    quiet?.syncs.find((it) => it.of === of && it.kind === kind && it.build === build);
  const tables = sync('tables', 'unchanged');
  const rows = sync('rows', 'unchanged');
  /** @type {(it: import('./quiet').QuietSync | undefined) => number | undefined} */
  const exact = (it) => ((it?.differing ?? 0) > 0 ? Infinity : it?.seconds);
  const [tablesBefore, rowsBefore] = [sync('tables', 'unchanged', 'against'), sync('rows', 'unchanged', 'against')];
  return [
    ['unchanged small tables: time ÷ --against', 0.1, 0.05, '', divide(tables?.seconds, tablesBefore?.seconds)],
    ['unchanged small tables: CPU ÷ --against', 0.1, 0.05, '', divide(tables?.cpuSeconds, tablesBefore?.cpuSeconds)],
    ['unchanged small tables: growth of the file', 0, 0, 'MB', (tables?.grownBytes ?? NaN) / 1e6],
    ['unchanged rows: time ÷ --against', 1.05, 0.9, '', divide(rows?.seconds, rowsBefore?.seconds)],
    // A sync that does not find the deletes is not faster.
    ['0.1 % of rows deleted: time ÷ unchanged', 1.5, 1.2, '', divide(exact(sync('rows', 'deleted')), rows?.seconds)],
    [
      '1 % of small tables changed: time ÷ unchanged',
      1.3,
      1.1,
      '',
      divide(exact(sync('tables', 'changed')), tables?.seconds),
    ],
  ];
}

/**
 * @param {import('./distance').Distance | undefined} distance
 * @returns {[what: string, bar: number, goal: number, unit: string, measured: number][]}
 */
function distanceBars(distance) {
  /** @type {(kind: import('./distance').Kind, roundTripMs: number) => import('./distance').Far | undefined} */
  const of = (kind, roundTripMs) =>
    distance?.far.find((it) => it.kind === kind && it.roundTripMs === roundTripMs && it.failure === undefined);
  const orders = of('orders', FAR_MS)?.seconds;
  const far = `${FAR_MS} ms away`;
  return [
    [`${far}, orders: time ÷ pyodbc there`, 0.45, 0.35, '', divide(orders, of('pyodbc', FAR_MS)?.seconds)],
    [`${far}, orders: time ÷ here`, 1.4, 1.15, '', divide(orders, of('orders', 0)?.seconds)],
    [`${far}, unchanged rows: round trips`, 14, 8, '', of('unchanged', FAR_MS)?.roundTrips ?? NaN],
    [
      `${far}, small tables: time ÷ here`,
      1.5,
      1.2,
      '',
      divide(of('tables', FAR_MS)?.seconds, of('tables', 0)?.seconds),
    ],
  ];
}

/**
 * @param {import('./log').LogPasses | undefined} log
 * @returns {[what: string, bar: number, goal: number, unit: string, measured: number][]}
 */
function logBars(log) {
  /** @type {(name: string) => import('./log').Pass | undefined} */
  const pass = (name) => {
    const found = log?.passes.get(name);
    return found?.failure === undefined ? found : undefined;
  };
  const [few, xmin] = [pass('few-log'), pass('few-xmin')];
  const foreignSeconds = (pass('foreign')?.seconds ?? NaN) - (pass('nothing')?.seconds ?? NaN);
  return [
    [
      'log: few changes of a large table: time ÷ by transaction ids',
      0.25,
      0.15,
      '',
      divide(few?.seconds, xmin?.seconds),
    ],
    ['log: the same, CPU of the server', 0.15, 0.05, '', divide(few?.serverCpuSeconds, xmin?.serverCpuSeconds)],
    [
      'log: 10 % of rows changed: time ÷ full load',
      0.5,
      0.3,
      '',
      divide(pass('many-log')?.seconds, pass('many-load')?.seconds),
    ],
    ['log: peak memory of a pass over a tenth of the rows', 300, 200, 'MB', (pass('keys')?.peakBytes ?? NaN) / 1e6],
    // What is passed over the slower, the longer it takes.
    [
      'log: seconds for 100 MB of changes to other tables',
      2,
      1,
      's',
      divide(foreignSeconds, (log?.foreignBytes ?? NaN) / 1e8),
    ],
  ];
}

function divide(a = NaN, b = NaN) {
  return a / b;
}

/** @param {Bar} bar */
function verdict({ measured, bar, goal }) {
  if (Number.isNaN(measured)) return 'not measured';
  if (measured <= goal) return 'pass, goal';
  return measured <= bar ? 'pass' : 'FAIL';
}

module.exports = { assessBars, verdict };
