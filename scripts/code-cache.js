// Keeps what V8 makes of the command line for the next starts (see src/bin/pgsluice.ts). npm runs this after it has
// installed the package, scripts/build.js after a build. Only speed depends on it, so it always ends with 0.
const { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { setFlagsFromString } = require('node:v8');

const start = join(__dirname, '..', 'dist', 'bin', 'pgsluice.js');

/** @typedef {{ compile: () => { script: import('node:vm').Script, digest: string }, CODE_CACHE: string }} Start */

function write() {
  /** @type {Start} */
  const { compile, CODE_CACHE } = require(start);
  const beside = `${CODE_CACHE}.${process.pid}`;
  try {
    // V8 compiles every function at once: one by one, when first called, they took a short sync 40 ms.
    setFlagsFromString('--no-lazy');
    const { script, digest } = compile();
    // V8 takes a cache only under the flags that it was made with, and a start has none.
    setFlagsFromString('--lazy');
    mkdirSync(dirname(CODE_CACHE), { recursive: true });
    writeFileSync(beside, Buffer.concat([Buffer.from(digest, 'latin1'), script.createCachedData()]));
    renameSync(beside, CODE_CACHE);
  } catch {
    // The folder cannot be written to, or there is no bundle: every start compiles.
    rmSync(beside, { force: true });
  }
}

if (existsSync(start)) write();
