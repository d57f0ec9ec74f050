// Acts as Fivetran does: it asks a running service for form, tests, schema and an update. It checks every rule on what it
// receives, and leaves a DuckDB file and the state for the next round.
//
//   grpc-client.js [--address localhost:50051] [--ca authority.crt] [--configuration configuration.json] [--folder files/grpc]
//
// --ca names the authority's certificate of a service with TLS, in PEM form.
// Without --address it starts a service of its own.
const { spawn } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { join, resolve } = require('node:path');
const { parseArgs } = require('node:util');
const { built } = require('./built');

const root = join(__dirname, '..');

/** @typedef {{ address: string, stop: () => void }} Service */

/**
 * Starts `pgsluice serve` on a free port.
 * @returns {Promise<Service>}
 */
function startService() {
  const child = spawn(process.execPath, [join(root, 'dist', 'bin', 'pgsluice.js'), 'serve', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((done, fail) => {
    let text = '';
    child.once('exit', (code) => fail(new Error(`The service ended with ${code}:\n${text}`)));
    child.stdout.on('data', (data) => {
      text += data;
      const address = /Listening on ([^ "]+:\d+)/.exec(text)?.[1];
      if (address !== undefined) done({ address, stop: () => child.kill('SIGTERM') });
    });
  });
}

/**
 * Reads the configuration as the form would hold it: options of the command line have no field there.
 * @param {string} path
 * @returns {Record<string, string>}
 */
function readConfiguration(path) {
  const { OPTIONS } = built('options');
  /** @type {Set<string>} */
  const local = new Set(OPTIONS.filter((option) => option.local === true).map((option) => option.key));
  /** @type {[string, string][]} */
  const all = Object.entries(JSON.parse(readFileSync(path, 'utf8')));
  return Object.fromEntries(all.filter(([key]) => !local.has(key)));
}

/** @param {Awaited<ReturnType<import('./built').BuiltModules['referenceClient']['runRound']>>} result */
function report({ counts, breaches, warnings, seconds }) {
  for (const warning of warnings) console.log(`Warning: ${warning}`);
  const { messages, bytes, ...operations } = counts;
  for (const [name, count] of Object.entries(operations)) console.log(`${name.padEnd(14)}| ${count}`);
  console.log(`${messages} messages, ${(bytes / 1e6).toFixed(1)} MB in ${seconds.toFixed(1)} s`);
  for (const breach of breaches) console.log(`Rule broken: ${breach}`);
  console.log(breaches.length === 0 ? 'Every rule was kept.' : 'Sync FAILED');
}

async function main() {
  const { values } = parseArgs({
    options: {
      address: { type: 'string' },
      ca: { type: 'string' },
      configuration: { type: 'string', default: 'configuration.json' },
      folder: { type: 'string', default: join('files', 'grpc') },
    },
  });
  const { runRound } = built('referenceClient');
  /** @type {Service} */
  const service =
    values.address === undefined ? await startService() : { address: values.address, stop: () => undefined };
  try {
    const result = await runRound({
      address: service.address,
      authority: values.ca === undefined ? undefined : readFileSync(values.ca),
      configuration: readConfiguration(values.configuration),
      warehousePath: resolve(values.folder, 'warehouse.db'),
      statePath: resolve(values.folder, 'state.json'),
      say: (line) => console.log(line),
    });
    report(result);
    process.exitCode = result.breaches.length === 0 ? 0 : 1;
  } finally {
    service.stop();
  }
}

main().catch((error) => {
  console.error(error.details ?? error.message);
  process.exitCode = 1;
});
