// Runs the integration and property tests, and all of mode log, on every supported PostgreSQL, one after the other, and
// prints the results as a table.   test-matrix.js [--write] [MAJOR…]      --write puts the lines into docs/COMPATIBILITY.md
const { spawnSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { PACKAGES, fetchPostgres } = require('./fetch-postgres');

const root = path.join(__dirname, '..');
const document = path.join(root, 'docs', 'COMPATIBILITY.md');
const [BEGIN, END] = ['<!-- matrix -->', '<!-- /matrix -->'];
const FOLDERS = [
  'test/integration',
  'test/property',
  // What mode log asks of the server differs from version to version more than anything else.
  'test/e2e/postgres/log-',
  'test/e2e/cli/log-',
  'test/faults/log-points',
];
// Several readers and snapshots of one table, and passes by transaction id, need ranges of ctid.
const RANGES_MAJOR = 14;
const RANGE_TESTS = [
  'integration/postgres/snapshot',
  'integration/engine/pressure',
  'integration/engine/incremental',
  'integration/engine/cost-guard',
  'integration/engine/schema-evolution',
  'integration/engine/warehouse-as-left',
];

/**
 * @typedef {{ major: string, version: string, path: string, passed: number, failed: string[], seconds: number }} Result
 * @typedef {{ fullName: string, status: string, failureMessages?: string[] }} TestOutcome
 * @typedef {{ name: string, status: string, assertionResults: TestOutcome[] }} FileOutcome
 * @typedef {{ numPassedTests: number, testResults: FileOutcome[] }} JestReport
 */

/**
 * Runs the tests on one version.
 * @param {string} major
 * @param {string} folder for jest's report
 * @returns {Result}
 */
function runVersion(major, folder) {
  fetchPostgres(major);
  const output = path.join(folder, `${major}.json`);
  const started = Date.now();
  const left = Number(major) >= RANGES_MAJOR ? [] : [`--testPathIgnorePatterns=${RANGE_TESTS.join('|')}`];
  // The folders come first, because the option takes every word after it.
  const jest = ['--silent', '--json', `--outputFile=${output}`, ...FOLDERS, ...left];
  spawnSync('npm', ['run', '--silent', 'test:only', '--', ...jest], {
    cwd: root,
    stdio: 'ignore',
    env: {
      ...process.env,
      PGSLUICE_TEST_PG_VERSION: major,
      // This many runs meet every type; the long runs are for the newest version.
      PGSLUICE_PROPERTY_RUNS: process.env.PGSLUICE_PROPERTY_RUNS ?? '4',
    },
  });
  /** @type {JestReport} */
  const report = JSON.parse(readFileSync(output, 'utf8'));
  const failed = report.testResults.flatMap((file) => {
    const name = path.relative(root, file.name);
    const tests = file.assertionResults.filter((test) => test.status === 'failed').map(describeFailure);
    return tests.length === 0 && file.status === 'failed' ? [name] : tests.map((test) => `${name}: ${test}`);
  });
  return {
    major,
    version: (PACKAGES[major] ?? '').replace(/^(\d+\.\d+).*/, '$1'),
    path: Number(major) >= RANGES_MAJOR ? 'ranges' : 'cursor',
    passed: report.numPassedTests,
    failed,
    seconds: Math.round((Date.now() - started) / 1000),
  };
}

/**
 * Names a failed test with its reason, so that it need not run again to know.
 * @param {TestOutcome} test
 */
function describeFailure(test) {
  const reason = (test.failureMessages?.[0] ?? '').split('\n')[0];
  return reason === '' ? test.fullName : `${test.fullName} (${reason})`;
}

const HEADER = [
  '| PostgreSQL | How tables are read | Tests passed | Tests failed | Run on |',
  '| --- | --- | --- | --- | --- |',
];

/** @param {Result} result */
function line(result) {
  const date = new Date().toISOString().slice(0, 10);
  return `| ${result.version} | ${result.path} | ${result.passed} | ${result.failed.length} | ${date} |`;
}

/**
 * Replaces the line of its version, and leaves those of the others.
 * @param {Result} result
 */
function write(result) {
  const text = readFileSync(document, 'utf8');
  const [before = '', rest = ''] = text.split(BEGIN);
  const [present = '', after = ''] = rest.split(END);
  /** @type {(row: string) => number} */
  const major = (row) => Number(/^\| (\d+)\./.exec(row)?.[1]);
  const others = present.split('\n').filter((row) => major(row) > 0 && major(row) !== Number(result.major));
  const rows = [...others, line(result)].sort((a, b) => major(a) - major(b));
  writeFileSync(document, `${before}${BEGIN}\n\n${[...HEADER, ...rows].join('\n')}\n\n${END}${after}`);
}

function main() {
  const chosen = process.argv.slice(2).filter((word) => word !== '--write');
  const majors = chosen.length > 0 ? chosen : Object.keys(PACKAGES);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pgsluice-matrix-'));
  /** @type {Result[]} */
  const results = [];
  try {
    for (const major of majors) {
      const result = runVersion(major, folder);
      results.push(result);
      console.log(
        `matrix: PostgreSQL ${result.version}: ${result.passed} passed, ${result.failed.length} failed (${result.seconds} s)`,
      );
      for (const failure of result.failed) console.log(`matrix:   ${failure}`);
      if (process.argv.includes('--write')) write(result);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`\n${[...HEADER, ...results.map(line)].join('\n')}`);
  process.exitCode = results.every((result) => result.failed.length === 0) ? 0 : 1;
}

main();
