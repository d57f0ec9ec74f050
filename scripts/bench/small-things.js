// What is measured in milliseconds and less: start-up, and one reading of the machine's resources.
const { execFileSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const path = require('node:path');
const { ofNode } = require('./contenders');
const { runProcess } = require('./process-run');
const { median } = require('./rounds');
const { debianPython } = require('./tools');

const STARTS = 11;
const SAMPLES = 20_000;

/** @typedef {{ startUp: number, sample: number, psutilSample: number, psutilMissing?: string }} SmallThings seconds; NaN: not measured */

/** @returns {Promise<SmallThings>} */
async function measureSmallThings({ main, say }) {
  const psutil = debianPython('psutil', say);
  return {
    startUp: await startUpSeconds(main),
    sample: sampleSeconds(main),
    psutilSample: psutil.program === undefined ? NaN : psutilSeconds(psutil.program),
    ...(psutil.reason === undefined ? {} : { psutilMissing: psutil.reason }),
  };
}

/** Seconds from calling `pgsluice --version` to its end. */
async function startUpSeconds(main) {
  const seconds = [];
  for (let start = 0; start < STARTS; start += 1) {
    const run = await runProcess(ofNode([main, '--version'], process.cwd()));
    if (run.failure === undefined) seconds.push(run.seconds);
  }
  return median(seconds);
}

/** Seconds of one resource sample; NaN where the build has no such module. */
function sampleSeconds(main) {
  const file = path.join(path.dirname(main), '..', 'native', 'process-stats.js');
  if (!existsSync(file)) return NaN;
  const stats = require(file).createProcessStats(process.cwd());
  const rounds = Array.from({ length: 5 }, () => {
    const started = performance.now();
    for (let sample = 0; sample < SAMPLES; sample += 1) stats.sample();
    return (performance.now() - started) / 1000 / SAMPLES;
  });
  return median(rounds);
}

function psutilSeconds(python) {
  const script = path.join(__dirname, 'peers', 'psutil_sample.py');
  const output = execFileSync(python, [script], { encoding: 'utf8', timeout: 60_000 });
  return Number(/microseconds=([\d.]+)/.exec(output)?.[1]) / 1e6;
}

module.exports = { measureSmallThings };
