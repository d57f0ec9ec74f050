// Compiles src/ to dist/ and puts the command line into one file there. The new tree replaces the old one only when
// it is whole. So a type error leaves the last good build, and no file stays whose source is gone.
const { spawnSync } = require('node:child_process');
const { chmodSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync } = require('node:fs');
const { join } = require('node:path');
const { bundle } = require('./bundle/bundle');

const root = join(__dirname, '..');
const dist = join(root, 'dist');
// The folder is inside the project, because a rename cannot leave the file system.
const cache = join(root, 'node_modules', '.cache');

/**
 * @param {string} fresh
 * @returns {Promise<boolean>} whether it compiles
 */
async function build(fresh) {
  const compiler = require.resolve('typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', root, '--outDir', fresh], { stdio: 'inherit' });
  if (status !== 0) return false;
  // The compiler leaves these out: the page's script and style, and the interface of the Fivetran service.
  for (const asset of [join('observe', 'assets'), join('fivetran', 'fivetran_sdk.v2.proto')]) {
    cpSync(join(root, 'src', asset), join(fresh, asset), { recursive: true });
  }
  await bundle(fresh);
  chmodSync(join(fresh, 'bin', 'pgsluice.js'), 0o755);
  // mkdtemp's folder is closed to other users, the package must not be.
  chmodSync(fresh, 0o755);
  rmSync(dist, { recursive: true, force: true });
  renameSync(fresh, dist);
  spawnSync(process.execPath, [join(__dirname, 'code-cache.js')], { stdio: 'inherit' });
  return true;
}

mkdirSync(cache, { recursive: true });
const fresh = mkdtempSync(join(cache, 'pgsluice-'));
build(fresh)
  .then(
    (compiles) => (process.exitCode = compiles ? 0 : 1),
    (error) => {
      process.stderr.write(`${error.stack}\n`);
      process.exitCode = 1;
    },
  )
  .finally(() => rmSync(fresh, { recursive: true, force: true }));
