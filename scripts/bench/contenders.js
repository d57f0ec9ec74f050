// Says who is measured: pgsluice, reading and writing or reading alone, beside its peers.
const { writeFileSync } = require('node:fs');
const path = require('node:path');
const { createPeers } = require('./peers');

/**
 * A job is one run of a contender: it has a table, and an empty folder to work in.
 * @typedef {{ database: string, table: string | undefined, folder: string, rows?: number }} Job
 * @typedef {import('../demo/postgres-server').ServerCoordinates} Server
 */

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} what
 * @property {string[]} workloads
 * @property {(job: Job) => import('./process-run').Command} command
 * @property {() => string | undefined} missing why it must be left out; may install what it needs
 */

const EVERY_WORKLOAD = ['orders', 'events', 'wide', 'texts', 'many-texts', 'tables'];

/**
 * @param {{ server: Server, main: string, driver: string, say: import('./tools').Say }} context
 * @returns {Contender[]}
 */
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
    {
      name: 'pgsluice-grpc',
      what: 'an Update of a running pgsluice serve, to a client in another process that counts and discards; CPU of both, memory of the service',
      workloads: ['orders'],
      missing: () => undefined,
      command: (job) => pgsluiceServe(main, server, job),
    },
    ...createPeers({ server, driver, say }),
  ];
}

/**
 * @param {string} main
 * @param {Server} server
 * @param {Job} job
 * @returns {import('./process-run').Command}
 */
function pgsluiceServe(main, server, { database, table, folder }) {
  const file = writeConfiguration(server, database, folder);
  return ofNode([path.join(__dirname, 'grpc-stream.js'), main, file, table ?? ''], folder);
}

/**
 * @param {string} main
 * @param {Server} server
 * @param {Job} job
 * @param {string[]} extra options
 * @returns {import('./process-run').Command}
 */
function pgsluiceSync(main, server, { database, folder }, extra = []) {
  return ofNode([main, 'sync', '--configuration', writeConfiguration(server, database, folder), ...extra], folder);
}

/**
 * Compares what a sync in the same folder wrote with its source.
 * @param {string} main
 * @param {Server} server
 * @param {Job} job
 * @returns {import('./process-run').Command}
 */
function pgsluiceVerify(main, server, { database, folder }) {
  return ofNode([main, 'verify', '--configuration', writeConfiguration(server, database, folder)], folder);
}

/**
 * @param {Server} server
 * @param {string} database
 * @param {string} folder
 */
function writeConfiguration(server, database, folder) {
  const file = path.join(folder, 'configuration.json');
  const { host, port, user, password } = server;
  const configuration = { host, port: String(port), database, username: user, password };
  writeFileSync(file, `${JSON.stringify(configuration)}\n`, { mode: 0o600 });
  return file;
}

/**
 * @param {string[]} args
 * @param {string} folder
 * @returns {import('./process-run').Command}
 */
function ofNode(args, folder) {
  return {
    file: process.execPath,
    arguments: args,
    cwd: folder,
    // Nothing of the caller's own configuration may slip in, nor of Node's: certificates that NODE_EXTRA_CA_CERTS adds
    // are read at each start (20 ms for Debian's).
    env: Object.fromEntries(
      Object.keys(process.env)
        .filter((name) => /^(PGSLUICE|FIVETRAN|PG|NODE_)/.test(name))
        .map((name) => [name, undefined]),
    ),
  };
}

module.exports = { createContenders, ofNode, pgsluiceSync, pgsluiceVerify, writeConfiguration };
