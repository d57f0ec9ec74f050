// The heart of it: every contender in turn, round after round, so that a slow minute of the machine hits all alike.
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
 * @param {{ source: import('./source').Source, database: string, table: string | undefined, rows: number, rounds: number, contenders: import('./contenders').Contender[], say: (line: string) => void }} options
 * @returns {Promise<Measured[]>}
 */
async function runRounds({ source, database, table, rows, rounds, contenders, say }) {
  const runs = new Map(contenders.map((contender) => [contender.name, []]));
  const failures = new Map();
  for (let round = 0; round < rounds; round += 1) {
    // Another one begins each time: what comes first finds colder caches.
    const order = [...contenders.slice(round % contenders.length), ...contenders.slice(0, round % contenders.length)];
    for (const contender of order) {
      if (failures.has(contender.name)) continue;
      const run = checked(
        await inFolder((folder) => measure(source, database, contender.command({ database, table, folder }))),
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

/** One measured run, with what the server did meanwhile. */
async function measure(source, database, command) {
  await source.resetStatements(database);
  const cpuBefore = source.cpuSeconds();
  const run = await runProcess(command);
  const serverCpuSeconds = source.cpuSeconds() - cpuBefore;
  const statements = await source.statements(database);
  // A service is measured through a client of it, which says what of the whole was the service's.
  const said = (name) => new RegExp(`^${name}=([\\d.]+)$`, 'm').exec(run.output)?.[1];
  const seconds = Number(said('seconds') ?? run.seconds);
  const peakBytes = Number(said('peak_bytes') ?? run.peakBytes);
  return { ...run, seconds, peakBytes, serverCpuSeconds, statements };
}

/** A program that read fewer rows is not faster. Those of our own making say how many they read. */
function checked(run, rows) {
  const read = /^rows=(\d+)$/m.exec(run.output)?.[1];
  if (run.failure !== undefined || read === undefined || Number(read) === rows) return run;
  return { ...run, failure: `read ${read} of ${rows} rows` };
}

async function inFolder(action) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pgsluice-bench-'));
  try {
    return await action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** @returns {Measured} */
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

/** NaN of nothing. */
function median(numbers) {
  if (numbers.length === 0) return NaN;
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function lastLine(output) {
  return output.trim().split('\n').at(-1)?.slice(0, 200) ?? '';
}

module.exports = { inFolder, measure, median, runRounds };
