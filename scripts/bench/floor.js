// Says how near a sync of orders is to the least that one must do: two bare programs read alone and write alone.

/** @typedef {import('./rounds').Measured} Measured */

/** Both bare programs start Node, and a sync does so once. */
const NODE = { cpuSeconds: 0.05, bytes: 40e6 };

/**
 * @param {Measured[]} measured of orders
 * @returns {string | undefined} undefined where one of them was not measured
 */
function nearness(measured) {
  /** @type {(name: string) => Measured | undefined} */
  const of = (name) => measured.find((it) => it.name === name && it.failure === undefined && it.runs > 0);
  const [sync, reading, writing] = ['pgsluice', 'packed-alone', 'duckdb-alone'].map(of);
  if (sync === undefined || reading === undefined || writing === undefined) return undefined;
  const cpuSeconds = reading.cpuSeconds + writing.cpuSeconds - NODE.cpuSeconds;
  const bytes = reading.peakBytes + writing.peakBytes - NODE.bytes;
  return (
    `The two bare programs, packed-alone and duckdb-alone, together take ${cpuSeconds.toFixed(2)} s of CPU and ` +
    `${(bytes / 1e6).toFixed(0)} MB, Node's start counted once; pgsluice takes ` +
    `${(sync.cpuSeconds / cpuSeconds).toFixed(2)} times that CPU and ${(sync.peakBytes / bytes).toFixed(2)} times that memory.`
  );
}

module.exports = { nearness };
