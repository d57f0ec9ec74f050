// The benchmark sets up what it needs, runs everything side by side, and prints and writes the results.
const { existsSync, mkdirSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { readArguments, selection, USAGE } = require('./arguments');
const { assessBars } = require('./bars');
const { measureChanges } = require('./changes');
const { createContenders } = require('./contenders');
const { measureDistance } = require('./distance');
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
const PARTS_BESIDE_WORKLOADS = ['growth', 'lake', 'fleet', 'quiet', 'log', 'distance', 'small'];

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
 * Measures every workload that was chosen, each on a database of its own.
 * @param {Source} source
 * @param {Choices} choices
 * @param {import('./workloads').SizedWorkload[]} workloads
 * @param {Contender[]} contenders
 * @returns {Promise<Pick<Outcome, 'results' | 'changes'>>}
 */
async function measureWorkloads(source, { main, rounds }, workloads, contenders) {
  /** @type {Outcome['results']} */
  const results = new Map();
  let changes;
  for (const { name, table, size, statements } of workloads) {
    say(`${name}: making ${size.toLocaleString('en')} ${name === 'tables' ? 'tables' : 'rows'}`);
    const database = await source.create(name, statements());
    if (name === 'changes') changes = await measureChanges({ source, main, database, rounds, say });
    else {
      const running = contenders.filter((it) => it.workloads.includes(name));
      const measured = await runRounds({ source, database, table, rows: size, rounds, contenders: running, say });
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
 * @returns {Promise<Pick<Outcome, 'small' | 'quiet' | 'distance' | 'log' | 'growth' | 'lake' | 'fleet'>>}
 */
async function measureTheRest(source, choices, driver, parts) {
  const { main, against, rows, rounds } = choices;
  const small = parts.has('small') ? await measureSmallThings({ main, say }) : undefined;
  if (small?.psutilMissing !== undefined) say(`psutil is left out: ${small.psutilMissing}`);
  let quiet;
  if (parts.has('quiet')) {
    say('quiet: tables, then rows');
    quiet = await measureQuiet({ source, main, against, rows, rounds, say });
  }
  let lake;
  if (parts.has('lake')) {
    say('lake: beside a warehouse file');
    lake = await measureLake({ source, main, rows, rounds, say });
  }
  let fleet;
  if (parts.has('fleet')) {
    say('fleet: sources behind proxies, by one worker and by several');
    fleet = await measureFleet({ source, main, rows, rounds, say });
  }
  let distance;
  if (parts.has('distance')) {
    say('distance: a proxy holds every byte back');
    distance = await measureDistance({ source, main, driver, rows, rounds, say });
  }
  const log = parts.has('log') ? await measureLog({ ...choices, rows, rounds, main, say }) : undefined;
  let growth;
  if (parts.has('growth')) {
    say('growth: rows, then tables');
    // The curve shows its own noise; one run of most points keeps it affordable.
    growth = await measureGrowth({ source, main, sizes: growthSizes(choices), rounds, say });
  }
  return {
    ...(quiet === undefined ? {} : { quiet }),
    ...(distance === undefined ? {} : { distance }),
    ...(log === undefined ? {} : { log }),
    ...(growth === undefined ? {} : { growth }),
    ...(lake === undefined ? {} : { lake }),
    ...(fleet === undefined ? {} : { fleet }),
    ...(small === undefined ? {} : { small }),
  };
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
    [...workloads.map((it) => it.name), ...PARTS_BESIDE_WORKLOADS],
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
  const { results, changes } = await measureWorkloads(source, choices, wanted, available);
  const { quiet, distance, log, growth, lake, fleet, small } = await measureTheRest(
    source,
    choices,
    driver,
    chosen.parts,
  );
  skipped.push(...(distance?.skipped ?? []).filter(([name]) => !skipped.some(([other]) => other === name)));
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
    ...(quiet === undefined ? {} : { quiet }),
    ...(distance === undefined ? {} : { distance }),
    ...(log === undefined ? {} : { log }),
    ...(growth === undefined ? {} : { growth }),
    ...(lake === undefined ? {} : { lake }),
    ...(fleet === undefined ? {} : { fleet }),
    ...(small === undefined ? {} : { small }),
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
  say('written: docs/BENCHMARKS.md, docs/benchmark-growth.svg');
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
  () => process.exit(0),
  (error) => {
    console.error(`bench: ${error.message}`);
    process.exit(1);
  },
);
