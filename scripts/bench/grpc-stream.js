// A client of `pgsluice serve` in a process of its own. It starts the service, takes one Update, counts its records
// without decoding their values, and keeps nothing.
//
//   grpc-stream.js MAIN CONFIGURATION TABLE
//
// Prints `rows=N`, `seconds=S` (from the call of Update to the end of its stream: a service is there already when it
// is called) and `peak_bytes=N` (of the service alone).
const { spawn } = require('node:child_process');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { Client, credentials } = require('@grpc/grpc-js');
const { built } = require('../built');

const [main = '', configurationPath = '', table = ''] = process.argv.slice(2);
const { loadPackage, SERVICE_NAME } = built('serviceDefinition', path.join(path.dirname(main), '..'));

// These are fields, as tag and wire type.
const RECORDS = 0x32; // a field of UpdateResponse
const RECORD = 0x0a; // a field of Records
const TABLE_NAME = 0x12; // a field of Record
const TYPE = 0x18; // a field of Record; upserts do not have it

const wanted = Buffer.from(`source_public_${table}`);
let at = 0;

/** @param {Buffer} bytes */
function varint(bytes) {
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at++] ?? 0;
    value += (byte & 127) * factor;
    if (byte < 128) return value;
  }
}

/**
 * Counts the upserts of the table in one message.
 * @param {Buffer} bytes
 */
function countRecords(bytes) {
  at = 1;
  if (bytes[0] !== RECORDS) return 0;
  const end = varint(bytes) + at;
  let count = 0;
  while (at < end) {
    if (bytes[at++] !== RECORD) throw new Error('Records holds something that is no record.');
    const next = varint(bytes) + at;
    if (isUpsert(bytes)) count += 1;
    at = next;
  }
  return count;
}

/** @param {Buffer} bytes */
function isUpsert(bytes) {
  if (bytes[at++] !== TABLE_NAME) return false;
  const length = varint(bytes);
  return bytes.compare(wanted, 0, wanted.length, at, at + length) === 0 && bytes[at + length] !== TYPE;
}

/**
 * Starts the service on a free port.
 * @returns {Promise<{ child: import('node:child_process').ChildProcess, port: string }>}
 */
function startService() {
  const child = spawn(process.execPath, [main, 'serve', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', (code) => reject(new Error(`The service ended with ${code}: ${text}`)));
    child.stdout.on('data', (data) => {
      if (text.length > 10_000) return;
      text += data;
      const port = /Listening on .*:(\d+)"/.exec(text)?.[1];
      if (port !== undefined) resolve({ child, port });
    });
  });
}

/**
 * Takes one Update.
 * @param {string} port
 * @param {Record<string, string>} configuration
 * @returns {Promise<number>} how many records it had
 */
function update(port, configuration) {
  const client = new Client(`localhost:${port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 128 * 1024 * 1024,
    // This is grpc-java's default. With the 64 kB of Node the benchmark would measure round trips.
    'grpc-node.flow_control_window': 1024 * 1024,
  });
  const service = /** @type {import('@grpc/grpc-js').ServiceDefinition} */ (loadPackage()[SERVICE_NAME]);
  const method = service['Update'];
  if (method === undefined) throw new Error('The service has no Update.');
  const call = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    (/** @type {Buffer} */ bytes) => bytes,
    {
      configuration,
    },
  );
  return new Promise((resolve, reject) => {
    let rows = 0;
    call.on('data', (/** @type {Buffer} */ bytes) => (rows += countRecords(bytes)));
    call.once('error', reject);
    call.once('end', () => {
      client.close();
      resolve(rows);
    });
  });
}

/** @param {number | undefined} pid */
function peakBytes(pid) {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

async function run() {
  /** @type {Record<string, string>} */
  const configuration = JSON.parse(readFileSync(configurationPath, 'utf8'));
  const { child, port } = await startService();
  try {
    const started = performance.now();
    console.log(`rows=${await update(port, configuration)}`);
    console.log(`seconds=${((performance.now() - started) / 1000).toFixed(3)}`);
    if (process.platform === 'linux') console.log(`peak_bytes=${peakBytes(child.pid)}`);
  } finally {
    child.removeAllListeners('exit');
    child.kill('SIGTERM');
    if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
  }
}

run().catch((error) => {
  console.error(error.details ?? error.message);
  process.exitCode = 1;
});
