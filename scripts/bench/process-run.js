// Runs one program and measures it from outside: time, CPU, peak memory.
const { spawn } = require('node:child_process');
const { closeSync, openSync, readFileSync } = require('node:fs');
const { statFields } = require('./source');

// The peak is kept by the kernel (VmHWM), so only growth in the last interval before the end can be missed.
const POLL_MS = 20;
const TAIL = 4000;

/**
 * @typedef {{ file: string, arguments: string[], env?: NodeJS.ProcessEnv, cwd?: string, timeoutSeconds?: number, discardOutput?: boolean }} Command
 * @typedef {{ seconds: number, cpuSeconds: number, peakBytes: number, failure?: string, output: string }} ProcessRun
 * @typedef {import('node:child_process').ChildProcess} ChildProcess
 */

/** @type {Set<ChildProcess>} */
const running = new Set();
let interrupted = false;

/**
 * Never rejects; a program that fails or takes too long has a `failure`.
 * @param {Command} command
 * @returns {Promise<ProcessRun>}
 */
async function runProcess(command) {
  if (interrupted) return { seconds: 0, cpuSeconds: 0, peakBytes: NaN, failure: 'interrupted', output: '' };
  const sink = command.discardOutput ? openSync('/dev/null', 'w') : 'pipe';
  const started = performance.now();
  const child = spawn(command.file, command.arguments, {
    cwd: command.cwd,
    env: { ...process.env, ...command.env },
    stdio: ['ignore', sink, 'pipe'],
    // The program gets a group of its own, so that a time limit ends its children too.
    detached: true,
  });
  if (typeof sink === 'number') closeSync(sink);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-TAIL)));
  }
  /** @type {Promise<string | undefined>} */
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`));
  });
  const { pid } = child;
  if (pid === undefined) {
    const failure = (await ended) ?? 'did not start';
    return { seconds: 0, cpuSeconds: 0, peakBytes: NaN, failure, output };
  }

  running.add(child);
  /** @type {Watch} */
  const watch = { peaks: new Map(), cpu: new Map() };
  const poll = setInterval(() => observe(pid, watch), POLL_MS);
  let late = false;
  const limit = setTimeout(
    () => {
      late = true;
      killGroup(child, 'SIGKILL');
    },
    (command.timeoutSeconds ?? 600) * 1000,
  );
  const failure = await ended;
  const seconds = (performance.now() - started) / 1000;
  clearInterval(poll);
  clearTimeout(limit);
  running.delete(child);
  return {
    seconds,
    cpuSeconds: sum(watch.cpu.values()),
    peakBytes: watch.peaks.size === 0 ? NaN : sum(watch.peaks.values()),
    output,
    ...(failure === undefined
      ? {}
      : { failure: late ? `took longer than ${command.timeoutSeconds ?? 600} s` : failure }),
  };
}

/**
 * Holds peak memory and CPU seconds by process.
 * @typedef {{ peaks: Map<number, number>, cpu: Map<number, number> }} Watch
 */

/**
 * Notes peak memory and CPU of a process and its descendants.
 * @param {number} pid
 * @param {Watch} watch
 */
function observe(pid, { peaks, cpu }) {
  const fields = statFields(pid);
  if (fields === undefined || fields[0] === 'Z') return;
  cpu.set(pid, (Number(fields[11]) + Number(fields[12])) / 100);
  const status = read(`/proc/${pid}/status`);
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
  // The latest reading counts, not the largest: between fork and exec a process shows its parent's peak.
  if (peak !== undefined) peaks.set(pid, Number(peak) * 1024);
  for (const child of read(`/proc/${pid}/task/${pid}/children`).split(' ')) {
    if (child !== '') observe(Number(child), { peaks, cpu });
  }
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/**
 * @param {ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function killGroup(child, signal) {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}

/** Ends everything that an interrupted benchmark has started. */
function endRunning() {
  interrupted = true;
  for (const child of running) killGroup(child, 'SIGKILL');
}

/** @param {Iterable<number>} numbers */
function sum(numbers) {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

module.exports = { endRunning, runProcess };
