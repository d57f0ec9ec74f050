// Runs every contender in turn, round after round, so that a slow minute of the machine hits all alike.
const { mkdtempSync, rmSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { runProcess } = require('./process-run');

/**
 * @typedef {object} Measured one contender on one workload
 * @property {string} name
 * @property {string} what
 * @property {number} runs
 * @property {number} seconds median
 * @property {number} cpuSeconds median, of the program itself
 * @property {number} serverCpuSeconds median, of the server; NaN for a given server
 * @property {number} peakBytes the most of all rounds
 * @property {number} [longestStatementMs] the most of all rounds, as the server counted
 * @property {string} [failure] why there are no numbers
 */

/**
 * @typedef {import('./process-run').Command} Command
 * @typedef {import('./contenders').Contender} Contender
 * @typedef {import('./source').Source} Source
 * @typedef {import('./source').Statements} Statements
 * @typedef {import('./process-run').ProcessRun & { serverCpuSeconds: number, statements: Statements | undefined }} Run
 */

/**
 * @typedef {object} Rounds
 * @property {Source} source
 * @property {string} database
 * @property {string | undefined} table
 * @property {number} rows
 * @property {number} rounds
 * @property {Contender[]} contenders
 * @property {import('./tools').Say} say
 */

/**
 * @param {Rounds} options
 * @returns {Promise<Measured[]>}
 */
async function runRounds({ source, database, table, rows, rounds, contenders, say }) {
  /** @type {Map<string, Run[]>} */
  const runs = new Map(contenders.map((contender) => [contender.name, []]));
  /** @type {Map<string, string>} */
  const failures = new Map();
  for (let round = 0; round < rounds; round += 1) {
    // Another one begins each time, because what comes first finds colder caches.
    const order = [...contenders.slice(round % contenders.length), ...contenders.slice(0, round % contenders.length)];
    for (const contender of order) {
      if (failures.has(contender.name)) continue;
      const run = checked(
        await inFolder((folder) => measure(source, database, contender.command({ database, table, folder, rows }))),
        rows,
      );
      if (run.failure === undefined) runs.get(contender.name)?.push(run);
      else failures.set(contender.name, `${run.failure}: ${lastLine(run.output)}`);
      say(`  round ${round + 1}/${rounds}  ${contender.name}: ${run.failure ?? `${run.seconds.toFixed(2)} s`}`);
    }
  }
  return contenders.map((contender) =>
    summarize(contender, runs.get(contender.name) ?? [], failures.get(contender.name)),
  );
}

/**
 * Measures one run, and what the server did meanwhile.
 * @param {Source} source
 * @param {string} database
 * @param {Command} command
 * @returns {Promise<Run>}
 */
async function measure(source, database, command) {
  await source.resetStatements(database);
  const cpuBefore = source.cpuSeconds();
  const run = await runProcess(command);
  const serverCpuSeconds = source.cpuSeconds() - cpuBefore;
  const statements = await source.statements(database);
  // A service is measured through its client, which says what share of the whole the service had.
  /** @type {(name: string) => string | undefined} */
  const said = (name) => new RegExp(`^${name}=([\\d.]+)$`, 'm').exec(run.output)?.[1];
  const seconds = Number(said('seconds') ?? run.seconds);
  const peakBytes = Number(said('peak_bytes') ?? run.peakBytes);
  return { ...run, seconds, peakBytes, serverCpuSeconds, statements };
}

/**
 * A program that read fewer rows is not faster. The programs of our own say how many they read.
 * @param {Run} run
 * @param {number} rows
 * @returns {Run}
 */
function checked(run, rows) {
  const read = /^rows=(\d+)$/m.exec(run.output)?.[1];
  if (run.failure !== undefined || read === undefined || Number(read) === rows) return run;
  return { ...run, failure: `read ${read} of ${rows} rows` };
}

/**
 * Runs `action` with a folder of its own, which is gone afterwards.
 * @template Result
 * @param {(folder: string) => Promise<Result>} action
 * @returns {Promise<Result>}
 */
async function inFolder(action) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pgsluice-bench-'));
  try {
    return await action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/**
 * @param {Contender} contender
 * @param {Run[]} runs
 * @param {string | undefined} failure
 * @returns {Measured}
 */
function summarize({ name, what }, runs, failure) {
  const longest = runs.map((run) => run.statements?.longestMs).filter((ms) => typeof ms === 'number');
  return {
    name,
    what,
    runs: runs.length,
    seconds: median(runs.map((run) => run.seconds)),
    cpuSeconds: median(runs.map((run) => run.cpuSeconds)),
    serverCpuSeconds: median(runs.map((run) => run.serverCpuSeconds)),
    peakBytes: runs.length === 0 ? NaN : Math.max(...runs.map((run) => run.peakBytes)),
    ...(longest.length === 0 ? {} : { longestStatementMs: Math.max(...longest) }),
    ...(failure === undefined ? {} : { failure }),
  };
}

/**
 * Returns NaN for no numbers.
 * @param {number[]} numbers
 */
function median(numbers) {
  if (numbers.length === 0) return NaN;
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** @param {string} output */
function lastLine(output) {
  return output.trim().split('\n').at(-1)?.slice(0, 200) ?? '';
}

module.exports = { inFolder, measure, median, runRounds };
