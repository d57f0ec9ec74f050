// Renders the results as people read them: on the terminal, and in docs/BENCHMARKS.md.
const { verdict } = require('./bars');
const { nearness } = require('./floor');
const { aligned, markdownTable, narrowed } = require('./tables');

const GROWTH_PLOT = '![Time and memory by rows and tables](benchmark-growth.svg)';
const DISTANCE_PLOT = '![Time by the milliseconds of a round trip](benchmark-distance.svg)';

/**
 * @typedef {import('./tables').Table} Table
 * @typedef {{ title: string, table: Table, plot?: string, note?: string }} Section
 * @typedef {import('./growth').GrowthPoint} GrowthPoint
 * @typedef {import('./quiet').QuietSync} QuietSync
 * @typedef {import('./bench').Outcome} Outcome
 */

/**
 * Makes the sections that both renderings show.
 * @param {Outcome} outcome
 * @returns {Section[]}
 */
function sections({ workloads, results, changes, lake, fleet, quiet, distance, log, growth, small, bars, skipped }) {
  /** @type {Table} */
  const leftOut = [['what', 'why'], ...skipped];
  return [
    ...workloads.flatMap((workload) => workloadSection(workload, results.get(workload.name))),
    ...(changes === undefined
      ? []
      : [{ title: 'changes: incremental syncs after some of the rows changed', table: changesTable(changes) }]),
    ...(lake === undefined ? [] : [{ title: 'lake: orders into a lake, and into a file', table: lakeTable(lake) }]),
    ...(fleet === undefined ? [] : [{ title: fleetTitle(fleet), table: fleetTable(fleet) }]),
    ...(quiet === undefined
      ? []
      : [{ title: 'quiet: later syncs that find little or nothing to do', table: quietTable(quiet) }]),
    ...(distance === undefined
      ? []
      : [
          {
            title: 'distance: the same work over a long way to the server',
            table: distanceTable(distance),
            plot: DISTANCE_PLOT,
          },
        ]),
    ...(log === undefined
      ? []
      : [
          { title: `log: ${log.rows.toLocaleString('en')} rows, changes and deletes by the log`, table: logTable(log) },
        ]),
    ...(growth === undefined ? [] : [{ title: 'Growth', table: growthTable(growth), plot: GROWTH_PLOT }]),
    ...(small === undefined ? [] : [{ title: 'Small things', table: smallTable(small) }]),
    { title: 'Bars', table: barsTable(bars) },
    ...(skipped.length === 0 ? [] : [{ title: 'Left out', table: leftOut }]),
  ];
}

/**
 * @param {Outcome['workloads'][number]} workload
 * @param {import('./rounds').Measured[] | undefined} measured
 * @returns {Section[]}
 */
function workloadSection({ name, what, size }, measured) {
  if (measured === undefined) return [];
  const title = `${name}: ${size.toLocaleString('en')} ${name === 'tables' ? '' : 'rows, '}${what}`;
  const note = nearness(measured);
  return [{ title, table: resultTable(measured), ...(note === undefined ? {} : { note }) }];
}

/**
 * @param {import('./rounds').Measured[]} measured
 * @returns {Table}
 */
function resultTable(measured) {
  // Everything is compared with the first of these that ran: the loop of the replaced connector, else the server's limit.
  const base = ['pyodbc', 'copy', 'pgsluice']
    .map((name) => measured.find((it) => it.name === name && it.runs > 0))
    .find(Boolean);
  const header = [
    'program',
    'what',
    'seconds',
    `÷ ${base?.name ?? '–'}`,
    'CPU s',
    'server CPU s',
    'peak MB',
    'longest statement ms',
  ];
  const rows = measured.map((it) => [
    it.name,
    it.what,
    it.failure === undefined ? number(it.seconds, 2) : `failed: ${it.failure}`,
    number(it.seconds / (base?.seconds ?? NaN), 2),
    number(it.cpuSeconds, 2),
    number(it.serverCpuSeconds, 2),
    number(it.peakBytes / 1e6, 0),
    number(it.longestStatementMs ?? NaN, 1),
  ]);
  return [header, ...rows];
}

/**
 * @param {import('./changes').Changes} changes
 * @returns {Table}
 */
function changesTable({ fullSeconds, verifySeconds, incremental, failure }) {
  if (failure !== undefined)
    return [
      ['what', 'seconds'],
      ['sync', `failed: ${failure}`],
    ];
  return [
    ['what', 'seconds', '÷ full'],
    ['the first sync: everything', number(fullSeconds, 2), '1.00'],
    ['verify of it', number(verifySeconds, 2), number(verifySeconds / fullSeconds, 3)],
    ...incremental.map(({ rowsChanged, seconds }) => [
      `the next, with ${rowsChanged.toLocaleString('en')} rows changed`,
      number(seconds, 2),
      number(seconds / fullSeconds, 3),
    ]),
  ];
}

/**
 * @param {import('./lake').Lake} lake
 * @returns {Table}
 */
function lakeTable({ costs, files, filesInTheEnd }) {
  /** @type {(what: string, cost: import('./lake').Cost) => string[]} */
  const row = (what, { seconds, cpuSeconds, peakBytes }) => [
    what,
    number(seconds, 2),
    number(cpuSeconds, 2),
    number(peakBytes / 1e6, 0),
  ];
  return [
    ['what', 'seconds', 'CPU s', 'peak MB'],
    row('everything, into a file', costs.duckdb.load),
    row(`everything, into a lake (${files} files)`, costs.ducklake.load),
    row('1 % changed, file', costs.duckdb.changes),
    row(`1 % changed, lake (${filesInTheEnd} files after 50 such syncs and a maintenance)`, costs.ducklake.changes),
  ];
}

/** @param {import('./fleet').Fleet} fleet */
function fleetTitle({ sources, rows }) {
  return `fleet: ${sources} sources of ${rows.toLocaleString('en')} rows, each behind 20 ms and 4 MB/s`;
}

/**
 * @param {import('./fleet').Fleet} fleet
 * @returns {Table}
 */
function fleetTable({ workers, one, all, takeoverSeconds }) {
  /** @type {(what: string, load: import('./fleet').Load) => string[]} */
  const row = (what, { seconds, cpuSeconds, commitsPerSecond, busyShare }) => [
    what,
    number(seconds, 2),
    number(cpuSeconds, 2),
    number(commitsPerSecond, 0),
    `${number(100 * busyShare, 0)} %`,
  ];
  return [
    ['what', 'seconds', 'CPU s', 'catalog transactions/s', 'cores busy'],
    row('a first load, 1 worker', one),
    row(`a first load, ${workers} workers`, all),
    ['takeover of the job of a killed worker', number(takeoverSeconds, 1), '', '', ''],
  ];
}

/**
 * @param {import('./quiet').Quiet} quiet
 * @returns {Table}
 */
function quietTable({ growthSyncs, syncs }) {
  /** @type {(it: QuietSync, kind: QuietSync['kind'], build: string) => number} */
  const secondsOf = ({ of }, kind, build) =>
    syncs.find((it) => it.of === of && it.kind === kind && it.build === build)?.seconds ?? NaN;
  const rows = syncs.map((it) => [
    it.what,
    it.build === 'against' ? '--against' : it.build,
    it.failure === undefined ? number(it.seconds, 2) : `failed: ${it.failure}`,
    number(it.seconds / secondsOf(it, 'unchanged', it.build), 2),
    number(it.build === 'against' ? NaN : it.seconds / secondsOf(it, it.kind, 'against'), 3),
    number(it.cpuSeconds, 2),
    number(it.serverCpuSeconds, 2),
    warehouseAfter(it, growthSyncs),
  ]);
  const header = ['sync', 'build', 'seconds', '÷ unchanged', '÷ --against', 'CPU s', 'server CPU s', 'warehouse'];
  return [header, ...rows];
}

/**
 * @param {QuietSync} sync
 * @param {number} growthSyncs
 */
function warehouseAfter({ grownBytes, differing }, growthSyncs) {
  if (grownBytes !== undefined) return `grew by ${number(grownBytes / 1e6, 2)} MB in ${growthSyncs} syncs`;
  if (differing === undefined) return '';
  return differing === 0 ? 'equal' : `${differing.toLocaleString('en')} rows differ`;
}

/**
 * @param {import('./distance').Distance} distance
 * @returns {Table}
 */
function distanceTable({ far }) {
  /** @type {(kind: string, roundTripMs: number) => number} */
  const secondsOf = (kind, roundTripMs) =>
    far.find((other) => other.kind === kind && other.roundTripMs === roundTripMs)?.seconds ?? NaN;
  const rows = far
    .toSorted((a, b) => a.what.localeCompare(b.what) || a.roundTripMs - b.roundTripMs)
    .map((it) => [
      it.what,
      String(it.roundTripMs),
      it.failure === undefined ? number(it.seconds, 2) : `failed: ${it.failure}`,
      number(it.seconds / secondsOf(it.kind, 0), 2),
      number(it.seconds / secondsOf('pyodbc', it.roundTripMs), 2),
      number(it.roundTrips, 0),
    ]);
  return [['program', 'round trip ms', 'seconds', '÷ 0 ms', '÷ pyodbc there', 'round trips'], ...rows];
}

/**
 * @param {import('./log').LogPasses} log
 * @returns {Table}
 */
function logTable({ passes }) {
  const rows = [...passes.values()].map((it) => [
    it.what,
    it.failure === undefined ? number(it.seconds, 2) : `failed: ${it.failure}`,
    number(it.cpuSeconds, 2),
    number(it.serverCpuSeconds, 2),
    number(it.peakBytes / 1e6, 0),
  ]);
  return [['sync', 'seconds', 'CPU s', 'server CPU s', 'MB'], ...rows];
}

/**
 * @param {import('./growth').Growth} growth
 * @returns {Table}
 */
function growthTable({ rows, tables }) {
  /** @type {(kind: string, unit: string, perSecond: number, digits: number) => (point: GrowthPoint) => string[]} */
  const line = (kind, unit, perSecond, digits) => (point) => [
    `${point.size.toLocaleString('en')} ${kind}`,
    number(point.seconds, 2),
    `${number((point.seconds / point.size) * perSecond, digits)} ${unit}`,
    number(point.peakBytes / 1e6, 0),
  ];
  return [
    ['size', 'seconds', 'each', 'peak MB'],
    ...rows.map(line('rows', 'µs', 1e6, 2)),
    ...tables.map(line('tables', 'ms', 1e3, 1)),
  ];
}

/**
 * @param {import('./small-things').SmallThings} small
 * @returns {Table}
 */
function smallTable({ startUp, sample, psutilSample }) {
  return [
    ['what', 'time'],
    ['pgsluice --version, from start to end', `${number(startUp * 1000, 0)} ms`],
    ['one resource sample', `${number(sample * 1e6, 2)} µs`],
    ['the same of psutil, as the replaced connector took it', `${number(psutilSample * 1e6, 2)} µs`],
  ];
}

/**
 * @param {import('./bars').Bar[]} bars
 * @returns {Table}
 */
function barsTable(bars) {
  /** @type {(value: number, unit: string) => string} */
  const shown = (value, unit) => `${number(value, value < 1 ? 3 : value < 10 ? 2 : 0)}${unit === '' ? '' : ` ${unit}`}`;
  return [
    ['what', 'bar', 'goal', 'measured', ''],
    ...bars.map((bar) => [
      bar.what,
      `${bar.bar}${bar.unit === '' ? '' : ` ${bar.unit}`}`,
      `${bar.goal}${bar.unit === '' ? '' : ` ${bar.unit}`}`,
      Number.isNaN(bar.measured) ? '–' : shown(bar.measured, bar.unit),
      verdict(bar),
    ]),
  ];
}

/** @param {Outcome} outcome */
function renderText(outcome) {
  return sections(outcome)
    .map(({ title, table, note }) => `\n${title}\n${aligned(narrowed(table))}${note === undefined ? '' : `\n${note}`}`)
    .join('\n');
}

/** @param {Outcome} outcome */
function renderMarkdown(outcome) {
  const { machine, rounds, command } = outcome;
  const body = sections(outcome).map(({ title, table, plot, note }) =>
    [
      ...[`## ${title}`, '', ...(plot === undefined ? [] : [plot, '']), ...markdownTable(table)],
      ...(note === undefined ? [] : ['', note]),
    ].join('\n'),
  );
  return `# Benchmarks

Written by \`${command}\`; run it to get your own. Each program in turn, ${rounds === 1 ? 'once' : `${rounds} rounds`}, in one run on one machine.

- Seconds are medians of whole processes, from start to end (of \`pgsluice-grpc\`: of the Update, by its client); ÷
  compares them with the program that the column names.
- CPU s is of the program, server CPU s of PostgreSQL.
- Peak memory is the most that a program had resident (VmHWM), its libraries included.
- The programs of the peers are in \`scripts/bench/peers\`; those with “no destination” keep nothing of what they read,
  which is in their favour.
- Of \`quiet\`, each build has a warehouse of its own; \`--against\` is the build of another commit, measured in turn.
- The bars are set for the full sizes (\`--full\`); on smaller ones start-up weighs more.

${markdownTable([['on', ''], ...Object.entries(machine)]).join('\n')}

${body.join('\n\n')}
`;
}

/**
 * @param {number} value
 * @param {number} digits
 */
function number(value, digits) {
  return Number.isFinite(value) ? value.toFixed(digits) : '–';
}

module.exports = { renderMarkdown, renderText };
