// DuckDB's addon, found as its own package finds it: it need not be installed where the bundle could see it.
const { createRequire } = require('node:module');

const fromHere = createRequire(__filename);
module.exports = createRequire(fromHere.resolve('@duckdb/node-api'))('@duckdb/node-bindings');
