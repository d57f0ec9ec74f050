// Who is measured: pgsluice, reading and writing or reading alone, beside its peers.
const { writeFileSync } = require('node:fs');
const path = require('node:path');
const { createPeers } = require('./peers');

/**
 * One run of a contender: which table, and an empty folder to work in.
 * @typedef {{ database: string, table: string | undefined, folder: string }} Job
 */

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} what
 * @property {string[]} workloads
 * @property {(job: Job) => import('./process-run').Command} command
 * @property {() => string | undefined} missing why it must be left out; may install what it needs
 */

const EVERY_WORKLOAD = ['orders', 'events', 'wide', 'texts', 'tables'];

/** @returns {Contender[]} */
function createContenders({ server, main, driver, say }) {
  return [
    {
      name: 'pgsluice',
      what: 'pgsluice sync, into a DuckDB file',
      workloads: EVERY_WORKLOAD,
      missing: () => undefined,
      command: (job) => pgsluiceSync(main, server, job),
    },
    {
      name: 'pgsluice-null',
      what: 'pgsluice sync --destination null: reading alone',
      workloads: EVERY_WORKLOAD,
      missing: () => undefined,
      command: (job) => pgsluiceSync(main, server, job, ['--destination', 'null']),
    },
    ...createPeers({ server, driver, say }),
  ];
}

/** @returns {import('./process-run').Command} */
function pgsluiceSync(main, server, { database, folder }, extra = []) {
  const file = path.join(folder, 'configuration.json');
  const { host, port, user, password } = server;
  const configuration = { host, port: String(port), database, username: user, password };
  writeFileSync(file, `${JSON.stringify(configuration)}\n`, { mode: 0o600 });
  return {
    file: process.execPath,
    arguments: [main, 'sync', '--configuration', file, ...extra],
    cwd: folder,
    // Nothing of the caller's own configuration may slip in.
    env: Object.fromEntries(
      Object.keys(process.env)
        .filter((name) => /^(PGSLUICE|FIVETRAN|PG)/.test(name))
        .map((name) => [name, undefined]),
    ),
  };
}

module.exports = { createContenders, pgsluiceSync };
