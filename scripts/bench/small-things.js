// What is measured in milliseconds and less: start-up, and one reading of the machine's resources.
const { existsSync } = require('node:fs');
const path = require('node:path');
const { runProcess } = require('./process-run');
const { median } = require('./rounds');

const STARTS = 11;
const SAMPLES = 20_000;

/** Seconds from calling `pgsluice --version` to its end. */
async function startUpSeconds(main) {
  const seconds = [];
  for (let start = 0; start < STARTS; start += 1) {
    const run = await runProcess({ file: process.execPath, arguments: [main, '--version'] });
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

module.exports = { sampleSeconds, startUpSeconds };
