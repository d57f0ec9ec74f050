// Builds the native addon; npm runs this after installing the package. The addon is optional: when it
// cannot be built, pgsluice runs without it, so this always ends with 0.
const { spawnSync } = require('node:child_process');
const { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');

const root = join(__dirname, '..');
const addon = join(root, 'build', 'Release', 'process_stats.node');
const log = join(root, 'build', 'install.log');

function loads() {
  // It loads in a process of its own: an addon that crashes must not take the installation with it.
  return spawnSync(process.execPath, ['-e', 'require(process.argv[1])', addon], { stdio: 'ignore' }).status === 0;
}

function upToDate() {
  if (!existsSync(addon)) return false;
  const native = join(root, 'native');
  const sources = [
    native,
    ...readdirSync(native).map((name) => join(native, name)),
    join(root, 'binding.gyp'),
    __filename,
  ];
  const built = statSync(addon).mtimeMs;
  return sources.every((source) => statSync(source).mtimeMs <= built) && loads();
}

/**
 * Finds node-gyp as npm would: the one that npm names, the one bundled with npm, or that of the PATH.
 * @returns {[program: string, ...parameters: string[]]}
 */
function nodeGyp() {
  const bundled = ['node_modules', 'node-gyp', 'bin', 'node-gyp.js'];
  const prefix = resolve(process.execPath, '..', '..');
  const npmCli = process.env.npm_execpath;
  const candidates = [
    process.env.npm_config_node_gyp,
    npmCli && join(dirname(dirname(npmCli)), ...bundled),
    join(prefix, 'lib', 'node_modules', 'npm', ...bundled),
    join(prefix, 'share', 'nodejs', 'npm', ...bundled),
    join(prefix, 'share', 'nodejs', 'node-gyp', 'bin', 'node-gyp.js'),
  ];
  const script = candidates.find((candidate) => candidate && existsSync(candidate));
  return script ? [process.execPath, script] : ['node-gyp'];
}

function build() {
  const environment = { ...process.env };
  const prefix = resolve(process.execPath, '..', '..');
  // With Node's own headers at hand node-gyp downloads nothing.
  if (!environment.npm_config_nodedir && existsSync(join(prefix, 'include', 'node', 'node_api.h'))) {
    environment.npm_config_nodedir = prefix;
  }
  const [command, ...first] = nodeGyp();
  const run = spawnSync(command, [...first, 'rebuild'], { cwd: root, env: environment, encoding: 'utf8' });
  const output = run.error ? String(run.error) : `${run.stdout}${run.stderr}`;
  if (run.status === 0 && loads()) return;
  let details = '';
  try {
    mkdirSync(dirname(log), { recursive: true });
    writeFileSync(log, `${output}\n`);
    details = ` (details: ${log})`;
  } catch {
    // The package folder is read-only: the message has to do without details.
  }
  console.log(
    `pgsluice: the native addon could not be built${details}; pgsluice works without it, with coarser memory and CPU figures and a slower service (pgsluice serve).\n` +
      'To build it, install python3, make and a C++ compiler, then run `npm rebuild pgsluice`.',
  );
}

if (!upToDate()) build();
