// Finds DuckDB's addon as its own package does: it need not be installed where the bundle could see it.
const { existsSync } = require('node:fs');
const { createRequire } = require('node:module');

const fromHere = createRequire(__filename);
const fromApi = createRequire(fromHere.resolve('@duckdb/node-api'));
/** @type {Readonly<Record<string, string>>} */
const MUSL_LOADERS = { x64: '/lib/ld-musl-x86_64.so.1', arm64: '/lib/ld-musl-aarch64.so.1' };

/** The package tells glibc from musl by a diagnostic report of Node's, which takes 5 ms. */
function load() {
  const loader = MUSL_LOADERS[process.arch];
  if (process.platform === 'linux' && loader !== undefined && !existsSync(loader)) {
    try {
      const fromBindings = createRequire(fromApi.resolve('@duckdb/node-bindings'));
      return fromBindings(`@duckdb/node-bindings-linux-${process.arch}/duckdb.node`);
    } catch {
      // Its own search knows what to say.
    }
  }
  return fromApi('@duckdb/node-bindings');
}

module.exports = load();
