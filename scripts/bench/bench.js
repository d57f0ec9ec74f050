// The benchmark: sets up what it needs, runs everything side by side, prints and writes the results.
const { existsSync, mkdirSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { readArguments, selection, USAGE } = require('./arguments');
const { assessBars } = require('./bars');
const { measureChanges } = require('./changes');
const { createContenders } = require('./contenders');
const { growthSizes, measureGrowth } = require('./growth');
const { renderGrowth } = require('./growth-plot');
const { describeMachine, postgresDriver } = require('./machine');
const { endRunning } = require('./process-run');
const { profileSync } = require('./profile');
const { renderMarkdown, renderText } = require('./report');
const { runRounds } = require('./rounds');
const { measureSmallThings } = require('./small-things');
const { Source } = require('./source');
const { sizedWorkloads } = require('./workloads');

const docs = path.join(__dirname, '..', '..', 'docs');
const PARTS_BESIDE_WORKLOADS = ['growth', 'small'];

/**
 * @typedef {object} Outcome
 * @property {Record<string, string>} machine
 * @property {string} command
 * @property {number} rounds
 * @property {{ name: string, what: string, size: number }[]} workloads
 * @property {Map<string, (import('./rounds').Measured & { size: number })[]>} results by workload
 * @property {Awaited<ReturnType<typeof measureChanges>>} [changes]
 * @property {Awaited<ReturnType<typeof measureGrowth>>} [growth]
 * @property {import('./small-things').SmallThings} [small]
 * @property {import('./bars').Bar[]} bars
 * @property {string[][]} skipped what and why
 */

function say(line) {
  console.log(`bench: ${line}`);
}

/** @returns {Promise<Outcome>} */
async function benchmark(choices, source, driver) {
  const { main, rounds } = choices;
  const workloads = sizedWorkloads(choices);
  const contenders = createContenders({ server: source.server, main, driver, say });
  const parts = [...workloads.map((it) => it.name), ...PARTS_BESIDE_WORKLOADS];
  const chosen = selection(
    choices.only,
    parts,
    contenders.map((it) => it.name),
  );
  const machine = describeMachine({
    main,
    postgres: await source.version(),
    driver,
    ownServer: choices.connection === undefined,
  });
  const wanted = contenders.filter(
    (it) => chosen.programs.has(it.name) && it.workloads.some((name) => chosen.parts.has(name)),
  );
  const skipped = wanted.flatMap(({ name, missing }) => {
    const reason = missing();
    return reason === undefined ? [] : [[name, reason]];
  });
  for (const [name, reason] of skipped) say(`${name} is left out: ${reason}`);
  const available = wanted.filter((it) => !skipped.some(([name]) => name === it.name));
  if ((os.loadavg()[0] ?? 0) > os.availableParallelism() / 2)
    say(`other programs keep this machine busy (load ${machine['Load before']}); ratios will be noisy`);

  const results = new Map();
  let changes;
  for (const workload of workloads.filter((it) => chosen.parts.has(it.name))) {
    say(
      `${workload.name}: making ${workload.size.toLocaleString('en')} ${workload.name === 'tables' ? 'tables' : 'rows'}`,
    );
    const database = await source.create(workload.name, workload.statements());
    if (workload.name === 'changes') changes = await measureChanges({ source, main, database, rounds, say });
    else {
      const running = available.filter((it) => it.workloads.includes(workload.name));
      const measured = await runRounds({
        source,
        database,
        table: workload.table,
        rows: workload.size,
        rounds,
        contenders: running,
        say,
      });
      results.set(
        workload.name,
        measured.map((it) => ({ ...it, size: workload.size })),
      );
    }
    await source.drop(database);
  }
  const small = chosen.parts.has('small') ? await measureSmallThings({ main, say }) : undefined;
  if (small?.psutilMissing !== undefined) {
    skipped.push(['psutil', small.psutilMissing]);
    say(`psutil is left out: ${small.psutilMissing}`);
  }
  let growth;
  if (chosen.parts.has('growth')) {
    say('growth: rows, then tables');
    // The curve shows its own noise; one run of most points keeps it affordable.
    growth = await measureGrowth({ source, main, sizes: growthSizes(choices), rounds: choices.rounds, say });
  }
  return {
    machine,
    command: [
      'npm run bench',
      ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2).filter(isPublic)] : []),
    ].join(' '),
    rounds,
    workloads,
    results,
    ...(changes === undefined ? {} : { changes }),
    ...(growth === undefined ? {} : { growth }),
    ...(small === undefined ? {} : { small }),
    bars: assessBars({ results, growth, changes, small }),
    skipped,
  };
}

/** A connection has a password, and files are of this machine. */
function isPublic(argument, index, all) {
  const hidden = ['--connection', '--json', '--main'];
  return !hidden.some((name) => argument.startsWith(name) || all[index - 1] === name);
}

/** @param {Outcome} outcome */
function write(outcome, { json, only, rows }) {
  if (json !== undefined)
    writeFileSync(json, `${JSON.stringify({ ...outcome, results: Object.fromEntries(outcome.results) }, null, 2)}\n`);
  // Documents are for everybody: of the sizes that the bars are set for, or nothing.
  if (only.length > 0 || rows !== undefined) return;
  mkdirSync(docs, { recursive: true });
  writeFileSync(path.join(docs, 'BENCHMARKS.md'), renderMarkdown(outcome));
  if (outcome.growth !== undefined)
    writeFileSync(path.join(docs, 'benchmark-growth.svg'), renderGrowth(outcome.growth));
  say('written: docs/BENCHMARKS.md, docs/benchmark-growth.svg');
}

async function run(argv) {
  const choices = readArguments(argv);
  if (choices.help) {
    console.log(USAGE);
    return;
  }
  if (!existsSync(choices.main)) throw new Error(`${choices.main} is missing; run \`npm run setup\` first.`);
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
