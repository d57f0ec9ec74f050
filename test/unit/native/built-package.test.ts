import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { transformFileSync } from '@swc/core';
import { ADDON_PATH } from '../../../src/native/addon';

const project = path.join(__dirname, '..', '..', '..');
let root: string;

/** A package folder as a user has it: dist/native beside build/Release, which is missing at first. */
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'pgsluice-'));
  const dist = path.join(root, 'dist', 'native');
  mkdirSync(dist, { recursive: true });
  const source = path.join(project, 'src', 'native');
  for (const name of readdirSync(source).filter((file) => /(?<!\.d)\.ts$/.test(file))) {
    const options = { jsc: { parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } } as const;
    const { code } = transformFileSync(path.join(source, name), { ...options, swcrc: false });
    writeFileSync(path.join(dist, name.replace(/\.ts$/, '.js')), code);
  }
  symlinkSync(path.join(project, 'node_modules'), path.join(root, 'node_modules'));
});

afterAll(() => rmSync(root, { recursive: true }));

function run(script: string) {
  const native = (name: string): string => JSON.stringify(path.join(root, 'dist', 'native', `${name}.js`));
  const source =
    `const { createProcessStats } = require(${native('process-stats')}); ` +
    `const { exitNow } = require(${native('exit-now')}); ${script}`;
  return spawnSync(process.execPath, ['-e', source], { encoding: 'utf8', timeout: 300_000 });
}

test('without a built addon the package runs degraded and says how to mend that', () => {
  const { stdout } = run(`const stats = createProcessStats('/');
    console.log(stats.degradedReason, stats.sample().rssBytes > 1e6)`);
  expect(stdout.trim()).toBe(
    'The native addon was not built; install python3, make and a C++ compiler, then run `npm rebuild pgsluice`. true',
  );
});

test('without a built addon exitNow still ends the process', () => {
  const { signal, stdout } = run(`exitNow(3); console.log('after')`);
  expect({ signal, stdout }).toEqual({ signal: 'SIGKILL', stdout: '' });
});

describe('with the addon beside dist', () => {
  beforeAll(() => {
    mkdirSync(path.join(root, 'build', 'Release'), { recursive: true });
    cpSync(ADDON_PATH, path.join(root, 'build', 'Release', 'process_stats.node'));
  });

  test('it is found', () => {
    expect(run(`console.log(createProcessStats('/').degraded)`).stdout.trim()).toBe('false');
  });

  test.each([
    ['4', 4],
    ['130', 130],
    ['-1', 1],
    ['NaN', 1],
    ['1000', 1],
  ])('exitNow(%s) ends the process with %d', (code, expected) => {
    const { status, stdout } = run(`exitNow(${code}); console.log('after')`);
    expect({ status, stdout }).toEqual({ status: expected, stdout: '' });
  });
});

test('an installation that cannot build the addon says so and succeeds', () => {
  const broken = path.join(root, 'broken');
  mkdirSync(path.join(broken, 'native'), { recursive: true });
  cpSync(path.join(project, 'scripts', 'install-native.js'), path.join(broken, 'scripts', 'install-native.js'));
  writeFileSync(
    path.join(broken, 'binding.gyp'),
    "{ 'targets': [{ 'target_name': 'process_stats', 'sources': ['native/none.cc'] }] }",
  );
  const install = spawnSync(process.execPath, ['scripts/install-native.js'], { cwd: broken, encoding: 'utf8' });
  expect(install.status).toBe(0);
  expect(install.stdout).toMatch(/^pgsluice: the native addon could not be built .*; pgsluice works without it/);
  expect(install.stdout).toContain('run `npm rebuild pgsluice`');
  expect(install.stdout.trim().split('\n')).toHaveLength(2);
});
