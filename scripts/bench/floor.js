// Says how near a sync is to the least that one must do: two bare programs read alone and write alone.
const { cpus } = require('node:os');

/** @typedef {import('./rounds').Measured} Measured */

/** Both bare programs start Node, and a sync does so once. */
const NODE = { cpuSeconds: 0.05, bytes: 40e6 };

/**
 * @param {Measured[]} measured of one workload
 * @returns {string | undefined} undefined where one of them was not measured
 */
function nearness(measured) {
  /** @type {(name: string) => Measured | undefined} */
  const of = (name) => measured.find((it) => it.name === name && it.failure === undefined && it.runs > 0);
  const [sync, reading, writing] = ['pgsluice', 'packed-alone', 'duckdb-alone'].map(of);
  if (sync === undefined || reading === undefined || writing === undefined) return undefined;
  const cpuSeconds = reading.cpuSeconds + writing.cpuSeconds - NODE.cpuSeconds;
  const bytes = reading.peakBytes + writing.peakBytes - NODE.bytes;
  const nearest =
    `The two bare programs, packed-alone and duckdb-alone, together take ${cpuSeconds.toFixed(2)} s of CPU and ` +
    `${(bytes / 1e6).toFixed(0)} MB, Node's start counted once; pgsluice takes ` +
    `${(sync.cpuSeconds / cpuSeconds).toFixed(2)} times that CPU and ${(sync.peakBytes / bytes).toFixed(2)} times that memory.`;
  // The CPU time of a server that was given is not known.
  if (!Number.isFinite(reading.serverCpuSeconds)) return nearest;
  const cores = cpus().length;
  // The server works for the reading program on the same cores.
  const seconds = (cpuSeconds + reading.serverCpuSeconds) / cores;
  const peer = ['duckdb-postgres', 'pyodbc'].map(of).find(Boolean);
  const beside = peer === undefined ? '' : `, ${(seconds / peer.seconds).toFixed(2)} times what ${peer.name} takes`;
  return (
    `${nearest} With the server's work for the reading, ${cores} cores that are never idle need ` +
    `${seconds.toFixed(2)} s for both${beside}; pgsluice takes ${(sync.seconds / seconds).toFixed(2)} times as long.`
  );
}

module.exports = { nearness };
