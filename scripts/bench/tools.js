// Finds or installs the peers' own programs, and says why one is left out.
const { spawnSync } = require('node:child_process');
const { existsSync, mkdirSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/** The packages take minutes to install, so they are kept, outside the repository. */
const CACHE = path.join(process.env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'pgsluice-bench');
const INSTALL_SECONDS = 600;
const BUILD_SECONDS = 1800;

/**
 * @typedef {{ program: string, reason?: undefined } | { program?: undefined, reason: string }} Tool
 * @typedef {(line: string) => void} Say
 */

/**
 * @param {string} program
 * @param {string[]} args
 * @param {number} seconds
 */
function succeeds(program, args, seconds = 60) {
  return spawnSync(program, args, { stdio: 'ignore', timeout: seconds * 1000 }).status === 0;
}

/**
 * @param {string} module
 * @param {string} installHint
 * @returns {Tool} a Python that imports `module`
 */
function pythonWith(module, installHint) {
  for (const program of ['/usr/bin/python3', 'python3']) {
    if (succeeds(program, ['-c', `import ${module}`])) return { program };
  }
  return { reason: installHint };
}

/**
 * @param {string} module
 * @param {Say} say
 * @returns {Tool}
 */
function debianPython(module, say) {
  const found = pythonWith(module, '');
  if (found.program !== undefined) return found;
  const missing = `no Python has ${module}; install it (Debian: apt-get install python3-${module})`;
  if (!succeeds('apt-get', ['--version'])) return { reason: missing };
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  // Another apt-get may be at work; this one waits for it.
  const install = [...sudo, 'apt-get', '-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '--no-install-recommends'];
  say(`installing python3-${module} with apt-get`);
  const run = spawnSync(install[0] ?? '', [...install.slice(1), `python3-${module}`], {
    encoding: 'utf8',
    timeout: INSTALL_SECONDS * 1000,
  });
  return pythonWith(module, run.status === 0 ? missing : `${missing}; ${lastLine(run.stderr) ?? 'apt-get gave up'}`);
}

/**
 * Makes a virtual environment for the benchmark with packages of PyPI.
 * @param {string} name
 * @param {string[]} packages
 * @param {string[]} imports
 * @param {Say} say
 * @returns {Tool}
 */
function virtualPython(name, packages, imports, say) {
  const folder = path.join(CACHE, name);
  const program = path.join(folder, 'bin', 'python');
  const works = () => existsSync(program) && succeeds(program, ['-c', imports.map((it) => `import ${it}`).join('; ')]);
  if (works()) return { program };
  say(`installing ${packages.join(', ')} into ${folder}`);
  mkdirSync(CACHE, { recursive: true });
  const made = succeeds('python3', ['-m', 'venv', folder]);
  if (!made) return { reason: 'python3 -m venv failed; install python3-venv' };
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--prefer-binary', ...packages];
  const run = spawnSync(program, pip, { encoding: 'utf8', timeout: INSTALL_SECONDS * 1000 });
  if (works()) return { program };
  return { reason: `${packages.join(', ')} could not be installed: ${lastLine(run.stderr) ?? 'pip gave up'}` };
}

/** @param {string | null} text */
function lastLine(text) {
  const line = (text ?? '').trim().split('\n').at(-1);
  return line === '' ? undefined : line;
}

/**
 * @param {string} name
 * @param {Say} say
 * @returns {Tool} a program of crates.io, built where cargo is
 */
function cargoProgram(name, say) {
  const hint = `cargo install ${name} builds it, in some minutes`;
  const found = installed(name, hint);
  if (found.program !== undefined || !succeeds('cargo', ['--version'])) return found;
  const root = path.join(CACHE, 'rust');
  say(`building ${name} with cargo into ${root}, which takes some minutes`);
  const run = spawnSync('cargo', ['install', '--quiet', '--locked', '--root', root, name], {
    encoding: 'utf8',
    timeout: BUILD_SECONDS * 1000,
  });
  return installed(name, run.status === 0 ? hint : `cargo could not build it: ${lastLine(run.stderr) ?? 'it gave up'}`);
}

/**
 * @param {string} name
 * @param {string} installHint
 * @returns {Tool} a program that is there already, and runs
 */
function installed(name, installHint) {
  for (const program of [path.join(CACHE, 'rust', 'bin', name), name]) {
    if (succeeds(program, ['--version'])) return { program };
  }
  return { reason: `not installed; ${installHint}` };
}

module.exports = { cargoProgram, debianPython, installed, virtualPython };
