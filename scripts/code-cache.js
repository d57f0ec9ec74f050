// Keeps what V8 made of the command line for the next starts (see src/bin/pgsluice.ts): npm runs this after installing
// the package, scripts/build.js after building. Only speed depends on it, so it always ends with 0.
const { spawnSync } = require('node:child_process');
const { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join } = require('node:path');
const { setFlagsFromString } = require('node:v8');

const start = join(__dirname, '..', 'dist', 'bin', 'pgsluice.js');

/** A sync as far as it comes without a server: what it compiled on its way is what the others will need. */
const REHEARSAL = {
  host: '127.0.0.1',
  port: '1',
  database: 'none',
  username: 'none',
  password: 'none',
  max_retries: '0',
};

function rehearse() {
  const folder = mkdtempSync(join(tmpdir(), 'pgsluice-'));
  try {
    writeFileSync(join(folder, 'configuration.json'), JSON.stringify(REHEARSAL));
    // Not of the caller's configuration, which may name a server.
    const environment = Object.entries(process.env).filter(([name]) => !/^(PGSLUICE_|PG|FIVETRAN_|OTEL_)/.test(name));
    spawnSync(process.execPath, [__filename, 'write', 'sync'], {
      cwd: folder,
      env: Object.fromEntries(environment),
      stdio: 'ignore',
      timeout: 60_000,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the rest of the arguments as a command, then writes the cache. */
function writeAtEnd() {
  const { compile, run, CODE_CACHE } = require(start);
  process.argv.splice(1, 2, start);
  const { script, digest } = compile();
  process.once('exit', () => {
    const beside = `${CODE_CACHE}.${process.pid}`;
    try {
      // V8 takes a cache only under the flags that it was made with, and a start has none (src/common/heap-growth.ts).
      setFlagsFromString('--heap-growing-percent=0');
      mkdirSync(dirname(CODE_CACHE), { recursive: true });
      writeFileSync(beside, Buffer.concat([Buffer.from(digest, 'latin1'), script.createCachedData()]));
      renameSync(beside, CODE_CACHE);
    } catch {
      // A read-only folder: every start compiles.
      rmSync(beside, { force: true });
    }
  });
  run(script);
}

if (process.argv[2] === 'write') writeAtEnd();
else if (existsSync(start)) rehearse();
