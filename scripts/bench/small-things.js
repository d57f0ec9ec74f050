// Measures what takes milliseconds and less: the start, and one reading of the machine's resources.
const { execFileSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const path = require('node:path');
const { built, builtFile } = require('../built');
const { ofNode } = require('./contenders');
const { runProcess } = require('./process-run');
const { median } = require('./rounds');
const { debianPython } = require('./tools');

const STARTS = 11;
const SAMPLES = 20_000;

/**
 * All are in seconds; NaN stands for what was not measured.
 * @typedef {{ startUp: number, sample: number, psutilSample: number, psutilMissing?: string }} SmallThings
 */

/**
 * @param {{ main: string, say: import('./tools').Say }} options
 * @returns {Promise<SmallThings>}
 */
async function measureSmallThings({ main, say }) {
  const psutil = debianPython('psutil', say);
  return {
    startUp: await startUpSeconds(main),
    sample: sampleSeconds(main),
    psutilSample: psutil.program === undefined ? NaN : psutilSeconds(psutil.program),
    ...(psutil.reason === undefined ? {} : { psutilMissing: psutil.reason }),
  };
}

/**
 * Measures the seconds from calling `pgsluice --version` to its end.
 * @param {string} main
 */
async function startUpSeconds(main) {
  /** @type {number[]} */
  const seconds = [];
  for (let start = 0; start < STARTS; start += 1) {
    const run = await runProcess(ofNode([main, '--version'], process.cwd()));
    if (run.failure === undefined) seconds.push(run.seconds);
  }
  return median(seconds);
}

/**
 * Measures the seconds of one resource sample; NaN where the build has no such module.
 * @param {string} main
 */
function sampleSeconds(main) {
  const dist = path.join(path.dirname(main), '..');
  if (!existsSync(builtFile('processStats', dist))) return NaN;
  const stats = built('processStats', dist).createProcessStats(process.cwd());
  const rounds = Array.from({ length: 5 }, () => {
    const started = performance.now();
    for (let sample = 0; sample < SAMPLES; sample += 1) stats.sample();
    return (performance.now() - started) / 1000 / SAMPLES;
  });
  return median(rounds);
}

/** @param {string} python */
function psutilSeconds(python) {
  const script = path.join(__dirname, 'peers', 'psutil_sample.py');
  const output = execFileSync(python, [script], { encoding: 'utf8', timeout: 60_000 });
  return Number(/microseconds=([\d.]+)/.exec(output)?.[1]) / 1e6;
}

module.exports = { measureSmallThings };
