/** The command line as it is started: one file, with V8's code cache or without. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT, runCli } from '../../helpers/cli';

let root: string;
const cache = (): string => join(root, 'build/bundle.cache');

beforeAll(async () => {
  // Built where it was not.
  expect((await runCli(['--version'])).code).toBe(0);
  root = mkdtempSync(join(tmpdir(), 'pgsluice-'));
  for (const name of ['dist/bin', 'build/bundle.cache', 'package.json', 'scripts/code-cache.js'])
    cpSync(join(PROJECT, name), join(root, name), { recursive: true });
  symlinkSync(join(PROJECT, 'node_modules'), join(root, 'node_modules'));
});
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => cpSync(join(PROJECT, 'build/bundle.cache'), cache()));

/** What the copy says of how it was compiled, and of a command. */
function start(): { readonly usedCache: boolean; readonly output: string } {
  const script = `
    const { compile } = require(${JSON.stringify(join(root, 'dist/bin/pgsluice.js'))});
    const { script } = compile();
    // Undefined where there was no cache to be looked at.
    console.log(script.cachedDataRejected === false);`;
  const compiled = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  const helped = spawnSync(process.execPath, [join(root, 'dist/bin/pgsluice.js'), 'sync', '--help'], {
    encoding: 'utf8',
  });
  expect([compiled.status, helped.status]).toEqual([0, 0]);
  return { usedCache: compiled.stdout.trim() === 'true', output: helped.stdout };
}

const HELP = /^pgsluice sync \[options\]/;

test('the cache that the build left is used', () => {
  expect(start()).toEqual({ usedCache: true, output: expect.stringMatching(HELP) as string });
});

test.each<[what: string, change: () => void]>([
  ['that is missing', () => rmSync(cache())],
  ['that is empty', () => truncateSync(cache(), 0)],
  ['that was cut off', () => truncateSync(cache(), 100_000)],
  [
    'of another bundle of the same length',
    () => {
      const bytes = readFileSync(cache());
      bytes.write('0'.repeat(64), 'latin1');
      writeFileSync(cache(), bytes);
    },
  ],
  [
    'of another version of Node',
    () => {
      const bytes = readFileSync(cache());
      // The second word of V8's header is a hash of its version.
      bytes.fill(0xff, 64 + 4, 64 + 8);
      writeFileSync(cache(), bytes);
    },
  ],
])('a cache %s is not used, and the command runs as ever', (_, change) => {
  change();
  expect(start()).toEqual({ usedCache: false, output: expect.stringMatching(HELP) as string });
});

function writeCache(): readonly [status: number | null, stdout: string, stderr: string] {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts/code-cache.js')], {
    encoding: 'utf8',
  });
  return [status, stdout, stderr];
}

test('the cache is written again where it is gone, and nothing else is left', () => {
  rmSync(cache());
  expect(writeCache()).toEqual([0, '', '']);
  expect(readdirSync(join(root, 'build'))).toEqual(['bundle.cache']);
  expect(start().usedCache).toBe(true);
});

test('where the cache cannot be written, installing goes on', () => {
  rmSync(cache());
  mkdirSync(cache());
  expect(writeCache()).toEqual([0, '', '']);
  expect(readdirSync(join(root, 'build'))).toEqual(['bundle.cache']);
  rmSync(cache(), { recursive: true });
});

test('the licences of everything in the bundle are beside it', () => {
  const licenses = readFileSync(join(root, 'dist/bin/bundle-licenses.txt'), 'utf8');
  for (const name of ['odbc', 'yargs', 'winston', '@duckdb/node-api'])
    expect(licenses).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\\S*, MIT$`, 'm'));
  // As esbuild writes whose file comes next.
  const bundle = readFileSync(join(root, 'dist/bin/bundle.js'), 'latin1');
  const packages = [...bundle.matchAll(/^\/\/ \.\.\/\.\.\/(?:.*node_modules\/)?((?:@[^/\n]+\/)?[^/\n.]+)\//gm)].map(
    (match) => match[1] ?? '',
  );
  const missing = [...new Set(packages)].filter((name) => !licenses.includes(`\n${name} `));
  expect(packages.length).toBeGreaterThan(20);
  expect(missing).toEqual([]);
});
