// npm run bench -- [options]
const { parseArgs } = require('node:util');
const path = require('node:path');
const { WORKLOADS } = require('./workloads');

const USAGE = `npm run bench -- [options]

Measures pgsluice beside its peers and writes docs/BENCHMARKS.md. Without options: about 20 minutes.

  --rows N          Rows of orders; the other workloads in proportion to their full sizes; writes no
                    documents
  --full            Full sizes of all workloads and of the growth curves: an hour or more
  --rounds N        Rounds, at least 1 [3]
  --only NAME       A workload (${WORKLOADS.map((it) => it.name).join(', ')}, growth, lake, fleet,
                    quiet, log, distance, small) or a
                    program (pgsluice, pyodbc, copy, …); may be repeated; writes no documents
  --connection URL  postgresql://user:password@host:port of a server on which databases may be made and dropped,
                    in place of one started for the run
  --json FILE       Results as JSON as well
  --main FILE       Built command line to measure [dist/bin/pgsluice.js]
  --against FILE    Built command line of another commit (git worktree), which quiet measures in turn
  --profile         Where the time of one sync of orders goes, and nothing else
  --help
`;

/**
 * @typedef {object} Choices
 * @property {number} [rows]
 * @property {boolean} full
 * @property {number} rounds
 * @property {string[]} only
 * @property {string} [connection]
 * @property {string} [json]
 * @property {string} main
 * @property {string} [against]
 * @property {boolean} profile
 * @property {boolean} help
 */

/**
 * @param {string[]} argv
 * @returns {Choices}
 */
function readArguments(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      rows: { type: 'string' },
      full: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', multiple: true, default: [] },
      connection: { type: 'string' },
      json: { type: 'string' },
      main: { type: 'string', default: path.join(__dirname, '..', '..', 'dist', 'bin', 'pgsluice.js') },
      against: { type: 'string' },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { rows, against, ...others } = values;
  return {
    ...others,
    ...(rows === undefined ? {} : { rows: wholeNumber('--rows', rows) }),
    ...(against === undefined ? {} : { against: path.resolve(against) }),
    rounds: wholeNumber('--rounds', values.rounds),
    only: values.only.flatMap((names) => names.split(',')),
    main: path.resolve(values.main),
  };
}

/**
 * @param {string} name
 * @param {string} text
 */
function wholeNumber(name, text) {
  const number = Number(text.replaceAll('_', ''));
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${name} must be a whole number, 1 or more.`);
  return number;
}

/**
 * Chooses what --only names among workloads and programs. Names of one sort alone leave all of the other.
 * @param {string[]} only
 * @param {string[]} parts
 * @param {string[]} programs
 */
function selection(only, parts, programs) {
  const unknown = only.filter((name) => !parts.includes(name) && !programs.includes(name));
  if (unknown.length > 0)
    throw new Error(`--only ${unknown.join(', ')} is unknown; there are ${[...parts, ...programs].join(', ')}.`);
  /** @type {(names: string[]) => Set<string>} */
  const chosen = (names) => {
    const named = names.filter((name) => only.includes(name));
    return new Set(named.length > 0 ? named : names);
  };
  return { parts: chosen(parts), programs: chosen(programs) };
}

module.exports = { USAGE, readArguments, selection };
