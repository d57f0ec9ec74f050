// The benchmark sets up what it needs, runs everything side by side, and prints and writes the results.
const { existsSync, mkdirSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { readArguments, selection, USAGE } = require('./arguments');
const { assessBars } = require('./bars');
const { measureChanges } = require('./changes');
const { createContenders } = require('./contenders');
const { measureDistance } = require('./distance');
const { renderDistance } = require('./distance-plot');
const { measureFleet } = require('./fleet');
const { growthSizes, measureGrowth } = require('./growth');
const { renderGrowth } = require('./growth-plot');
const { measureLake } = require('./lake');
const { describeMachine, postgresDriver } = require('./machine');
const { endRunning } = require('./process-run');
const { profileSync } = require('./profile');
const { measureLog } = require('./log');
const { measureQuiet } = require('./quiet');
const { renderMarkdown, renderText } = require('./report');
const { runRounds } = require('./rounds');
const { measureSmallThings } = require('./small-things');
const { Source } = require('./source');
const { sizedWorkloads } = require('./workloads');

const docs = path.join(__dirname, '..', '..', 'docs');
/** @type {Record<string, string>} */
const WHAT = {
  small: 'start-up, and reading the state of the process',
  quiet: 'syncs of what has not changed: tables, then rows',
  lake: 'beside a warehouse file',
  fleet: 'sources behind proxies, by one worker and by several',
  distance: 'a proxy holds every byte back',
  log: 'changes from the log, beside a scan',
  growth: 'rows, then tables',
};

/**
 * @typedef {object} Outcome
 * @property {Record<string, string>} machine
 * @property {string} command
 * @property {number} rounds
 * @property {{ name: string, what: string, size: number }[]} workloads
 * @property {Map<string, (import('./rounds').Measured & { size: number })[]>} results by workload
 * @property {import('./changes').Changes} [changes]
 * @property {import('./quiet').Quiet} [quiet]
 * @property {import('./lake').Lake} [lake]
 * @property {import('./fleet').Fleet} [fleet]
 * @property {import('./distance').Distance} [distance]
 * @property {import('./log').LogPasses} [log]
 * @property {import('./growth').Growth} [growth]
 * @property {import('./small-things').SmallThings} [small]
 * @property {import('./bars').Bar[]} bars
 * @property {string[][]} skipped pairs of what and why
 */

/**
 * @typedef {import('./arguments').Choices} Choices
 * @typedef {import('./contenders').Contender} Contender
 * @typedef {string[][]} Failures pairs of what was not measured and why
 */

/** @param {string} line */
function say(line) {
  console.log(`bench: ${line}`);
}

/**
 * Asks the contenders that are wanted for what they miss. Those may install it, so it happens once and before all runs.
 * @param {Contender[]} wanted
 * @returns {{ available: Contender[], skipped: string[][] }}
 */
function leaveOutMissing(wanted) {
  /** @type {string[][]} */
  const skipped = [];
  const available = wanted.filter(({ name, missing }) => {
    const reason = missing();
    if (reason !== undefined) skipped.push([name, reason]);
    return reason === undefined;
  });
  for (const [name, reason] of skipped) say(`${name} is left out: ${reason}`);
  return { available, skipped };
}

/**
 * Measures one part. Where that fails, the other parts of a long run are still measured and written.
 * @template T
 * @param {string} name
 * @param {Failures} failures
 * @param {() => Promise<T>} measure
 * @returns {Promise<T | undefined>}
 */
async function attempt(name, failures, measure) {
  try {
    return await measure();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(`${name} failed: ${reason}`);
    failures.push([name, `failed: ${reason.split('\n')[0]}`]);
    return undefined;
  }
}

/**
 * Measures every workload that was chosen, each on a database of its own.
 * @param {Source} source
 * @param {Choices} choices
 * @param {import('./workloads').SizedWorkload[]} workloads
 * @param {Contender[]} contenders
 * @param {Failures} failures
 * @returns {Promise<Pick<Outcome, 'results' | 'changes'>>}
 */
async function measureWorkloads(source, { main, rounds }, workloads, contenders, failures) {
  /** @type {Outcome['results']} */
  const results = new Map();
  let changes;
  for (const { name, table, size, statements } of workloads) {
    say(`${name}: making ${size.toLocaleString('en')} ${name === 'tables' ? 'tables' : 'rows'}`);
    const database = await source.create(name, statements());
    if (name === 'changes')
      changes = await attempt(name, failures, () => measureChanges({ source, main, database, rounds, say }));
    else {
      const running = contenders.filter((it) => it.workloads.includes(name));
      const measured = await attempt(name, failures, () =>
        runRounds({ source, database, table, rows: size, rounds, contenders: running, say }),
      );
      if (measured !== undefined)
        results.set(
          name,
          measured.map((it) => ({ ...it, size })),
        );
    }
    await source.drop(database);
  }
  return { results, ...(changes === undefined ? {} : { changes }) };
}

/**
 * Measures what stands beside the workloads.
 * @param {Source} source
 * @param {Choices} choices
 * @param {string} driver
 * @param {Set<string>} parts
 * @param {Failures} failures
 * @returns {Promise<Pick<Outcome, 'small' | 'quiet' | 'distance' | 'log' | 'growth' | 'lake' | 'fleet'>>}
 */
async function measureTheRest(source, choices, driver, parts, failures) {
  const { main, against, rows, rounds } = choices;
  /** @type {Record<string, () => Promise<object>>} */
  const measures = {
    small: () => measureSmallThings({ main, say }),
    quiet: () => measureQuiet({ source, main, against, rows, rounds, say }),
    lake: () => measureLake({ source, main, rows, rounds, say }),
    fleet: () => measureFleet({ source, main, rows, rounds, say }),
    distance: () => measureDistance({ source, main, driver, rows, rounds, say }),
    log: () => measureLog({ ...choices, rows, main, say }),
    // The curve shows its own noise; one run of most points keeps it affordable.
    growth: () => measureGrowth({ source, main, sizes: growthSizes(choices), rounds, say }),
  };
  /** @type {Record<string, object>} */
  const found = {};
  for (const [name, measure] of Object.entries(measures)) {
    if (!parts.has(name)) continue;
    say(`${name}: ${WHAT[name]}`);
    const measured = await attempt(name, failures, measure);
    if (measured !== undefined) found[name] = measured;
  }
  return found;
}

/**
 * @param {Choices} choices
 * @param {Source} source
 * @param {string} driver
 * @returns {Promise<Outcome>}
 */
async function benchmark(choices, source, driver) {
  const { main, against, rounds } = choices;
  const workloads = sizedWorkloads(choices);
  const contenders = createContenders({ server: source.server, main, driver, say });
  const chosen = selection(
    choices.only,
    [...workloads.map((it) => it.name), ...Object.keys(WHAT)],
    contenders.map((it) => it.name),
  );
  const ownServer = choices.connection === undefined;
  const machine = describeMachine({ main, against, postgres: await source.version(), driver, ownServer });
  const { available, skipped } = leaveOutMissing(
    contenders.filter((it) => chosen.programs.has(it.name) && it.workloads.some((name) => chosen.parts.has(name))),
  );
  if ((os.loadavg()[0] ?? 0) > os.availableParallelism() / 2)
    say(`other programs keep this machine busy (load ${machine['Load before']}); ratios will be noisy`);

  const wanted = workloads.filter((it) => chosen.parts.has(it.name));
  /** @type {Failures} */
  const failures = [];
  const { results, changes } = await measureWorkloads(source, choices, wanted, available, failures);
  const rest = await measureTheRest(source, choices, driver, chosen.parts, failures);
  const { quiet, distance, log, growth, lake, fleet, small } = rest;
  skipped.push(...(distance?.skipped ?? []).filter(([name]) => !skipped.some(([other]) => other === name)));
  if (failures.length > 0) process.exitCode = 1;
  skipped.push(...failures);
  if (small?.psutilMissing !== undefined) skipped.push(['psutil', small.psutilMissing]);
  const command = [
    'npm run bench',
    ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2).filter(isPublic)] : []),
  ];
  return {
    machine,
    command: command.join(' '),
    rounds,
    workloads,
    results,
    ...(changes === undefined ? {} : { changes }),
    ...rest,
    bars: assessBars({ results, growth, changes, lake, fleet, quiet, distance, log, small }),
    skipped,
  };
}

/**
 * Says whether an argument may be written down: a connection has a password, and files are of this machine.
 * @param {string} argument
 * @param {number} index
 * @param {string[]} all
 */
function isPublic(argument, index, all) {
  const hidden = ['--connection', '--json', '--main', '--against'];
  return !hidden.some((name) => argument.startsWith(name) || all[index - 1] === name);
}

/**
 * @param {Outcome} outcome
 * @param {import('./arguments').Choices} choices
 */
function write(outcome, { json, only, rows }) {
  if (json !== undefined)
    writeFileSync(json, `${JSON.stringify({ ...outcome, results: Object.fromEntries(outcome.results) }, null, 2)}\n`);
  // Everybody reads the documents: they hold the sizes that the bars are set for, or stay as they are.
  if (only.length > 0 || rows !== undefined) return;
  mkdirSync(docs, { recursive: true });
  writeFileSync(path.join(docs, 'BENCHMARKS.md'), renderMarkdown(outcome));
  if (outcome.growth !== undefined)
    writeFileSync(path.join(docs, 'benchmark-growth.svg'), renderGrowth(outcome.growth));
  if (outcome.distance !== undefined)
    writeFileSync(path.join(docs, 'benchmark-distance.svg'), renderDistance(outcome.distance));
  say('written: docs/BENCHMARKS.md, docs/benchmark-growth.svg, docs/benchmark-distance.svg');
}

/** @param {string[]} argv */
async function run(argv) {
  const choices = readArguments(argv);
  if (choices.help) {
    console.log(USAGE);
    return;
  }
  if (!existsSync(choices.main)) throw new Error(`${choices.main} is missing; run \`npm run setup\` first.`);
  if (choices.against !== undefined && !existsSync(choices.against))
    throw new Error(`${choices.against} is missing; build that commit first.`);
  const driver = postgresDriver();
  if (driver === undefined) throw new Error('unixODBC has no PostgreSQL driver; run `npm run setup` first.');
  const started = performance.now();
  const source = choices.connection === undefined ? await Source.start() : Source.connect(choices.connection);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      endRunning();
      void source.close().finally(() => process.exit(130));
    });
  }
  try {
    if (choices.profile) {
      console.log(await profileSync({ source, main: choices.main, rows: choices.rows ?? 1_000_000, say }));
      return;
    }
    const outcome = await benchmark(choices, source, driver);
    console.log(renderText(outcome));
    write(outcome, choices);
    say(`${((performance.now() - started) / 60_000).toFixed(1)} minutes`);
  } finally {
    await source.close();
  }
}

run(process.argv.slice(2)).then(
  () => process.exit(),
  (error) => {
    console.error(`bench: ${error.message}`);
    process.exit(1);
  },
);
