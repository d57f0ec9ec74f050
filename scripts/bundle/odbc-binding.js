// Replaces @mapbox/node-pre-gyp, with which the npm package odbc looks for its addon. Finding one file takes that
// package 18 ms at every start.
const { existsSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname, join } = require('node:path');

const fromHere = createRequire(__filename);

function find() {
  const manifest = fromHere.resolve('odbc/package.json');
  const { binary } = fromHere(manifest);
  const folder = binary.module_path.replace('{napi_build_version}', String(binary.napi_versions.at(-1)));
  const addon = join(dirname(manifest), folder, `${binary.module_name}.node`);
  return existsSync(addon) ? addon : createRequire(manifest)('@mapbox/node-pre-gyp').find(manifest);
}

module.exports = { find };
