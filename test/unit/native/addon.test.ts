import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { ADDON_PATH, loadAddon, type ProcessStatsAddon } from '../../../src/native/addon';

const FIELDS = 23;

function addon(): ProcessStatsAddon {
  const result = loadAddon(FIELDS);
  if (result.addon === undefined) throw new Error(result.reason);
  return result.addon;
}

function run(script: string, ...nodeArguments: string[]): ReturnType<typeof spawnSync> {
  const source = `const addon = require(${JSON.stringify(ADDON_PATH)}); const buffer = new Float64Array(${FIELDS}); ${script}`;
  return spawnSync(process.execPath, [...nodeArguments, '-e', source], { encoding: 'utf8', timeout: 300_000 });
}

describe('called wrongly', () => {
  const { sample, setDiskPath, setRoot, exitNow } = addon() as unknown as Record<string, (...args: unknown[]) => void>;

  test.each([
    ['nothing', []],
    ['undefined', [undefined]],
    ['an array', [new Array(FIELDS).fill(0)]],
    ['an ArrayBuffer', [new ArrayBuffer(FIELDS * 8)]],
    ['a DataView', [new DataView(new ArrayBuffer(FIELDS * 8))]],
    ['a Float32Array', [new Float32Array(FIELDS)]],
    ['a BigInt64Array', [new BigInt64Array(FIELDS)]],
    ['a Float64Array that is too short', [new Float64Array(FIELDS - 1)]],
    ['an empty Float64Array', [new Float64Array(0)]],
  ])('sample refuses %s', (_what, args) => {
    expect(() => sample?.(...args)).toThrow(/Float64Array/);
  });

  test('sample refuses an array whose memory was transferred away', () => {
    const buffer = new Float64Array(FIELDS);
    structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
    expect(() => sample?.(buffer)).toThrow(/at least 23 elements/);
  });

  test('sample writes only its own elements of a larger array', () => {
    const large = new Float64Array(FIELDS + 10).fill(-1);
    sample?.(large.subarray(5));
    expect([...large.slice(0, 5), ...large.slice(FIELDS + 5)]).toEqual(new Array(10).fill(-1));
    expect(large[6]).toBeGreaterThan(1e6);
  });

  test('paths must be strings', () => {
    expect(() => setDiskPath?.(1)).toThrow('setDiskPath(path) needs a string.');
    expect(() => setRoot?.()).toThrow('setRoot(path) needs a string.');
  });

  test.each([[undefined], ['0'], [-1], [256], [1.5], [NaN], [Infinity]])('exitNow refuses %s and returns', (code) => {
    expect(() => exitNow?.(code)).toThrow('exitNow(code) needs a whole number from 0 to 255.');
  });
});

describe('called often', () => {
  test('100,000 samples, paths set anew between them, open no further descriptor', () => {
    const { sample, setDiskPath } = addon();
    const buffer = new Float64Array(FIELDS);
    sample(buffer);
    const before = readdirSync('/proc/self/fd').length;
    for (let i = 0; i < 100_000; i++) {
      if (i % 1000 === 0) setDiskPath(i % 2000 === 0 ? '/' : '/proc');
      sample(buffer);
    }
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });

  test('a path that does not exist gives NaN for the disk and nothing else', () => {
    const { sample, setDiskPath } = addon();
    const buffer = new Float64Array(FIELDS);
    setDiskPath('/nowhere/at/all');
    sample(buffer);
    setDiskPath('/');
    expect([buffer[21], buffer[22]]).toEqual([NaN, NaN]);
    expect(buffer[1]).toBeGreaterThan(1e6);
  });

  test('children inherit none of the descriptors', () => {
    const { sample } = addon();
    sample(new Float64Array(FIELDS));
    const targets = execFileSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' });
    expect(targets).not.toMatch(/meminfo|pressure|statm/);
  });

  test('workers sample beside the main thread, start after start', async () => {
    const script = `
      const buffer = new Float64Array(${FIELDS});
      for (let i = 0; i < 5000; i++) require(${JSON.stringify(ADDON_PATH)}).sample(buffer);
      require('node:worker_threads').parentPort.postMessage(buffer[1]);`;
    const { sample } = addon();
    const buffer = new Float64Array(FIELDS);
    for (let round = 0; round < 3; round++) {
      const workers = [new Worker(script, { eval: true }), new Worker(script, { eval: true })];
      const answers = workers.map((worker) => new Promise<unknown>((resolve) => worker.once('message', resolve)));
      for (let i = 0; i < 5000; i++) sample(buffer);
      for (const rss of await Promise.all(answers)) expect(rss).toBeGreaterThan(1e6);
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  });
});

describe('at exit', () => {
  test('a process that samples until the end leaves with its own code', () => {
    expect(
      run(`process.on('exit', () => addon.sample(buffer)); addon.sample(buffer); process.exitCode = 5;`).status,
    ).toBe(5);
  });

  test('a process whose worker is still sampling leaves with its own code', () => {
    const worker = `const addon = require(${JSON.stringify(ADDON_PATH)}); for (;;) addon.sample(new Float64Array(${FIELDS}));`;
    const main = `new (require('node:worker_threads').Worker)(${JSON.stringify(worker)}, { eval: true });
      setTimeout(() => process.exit(6), 300);`;
    expect(run(main).status).toBe(6);
  });

  test.each([0, 1, 130, 255])('exitNow(%d) ends the process with that code, before anything else runs', (code) => {
    const child = run(
      `process.on('exit', () => console.log('exit handler')); addon.exitNow(${code}); console.log('after');`,
    );
    expect({ status: child.status, stdout: child.stdout }).toEqual({ status: code, stdout: '' });
  });

  test('exitNow ends a process one of whose libuv threads is stuck in the kernel', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'pgsluice-'));
    try {
      const pipe = path.join(folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      // Opening a named pipe without a writer blocks, and process.exit() would wait for it for ever.
      const child = run(
        `require('node:fs').open(${JSON.stringify(pipe)}, 'r', () => {}); setTimeout(() => addon.exitNow(4), 200);`,
      );
      expect({ status: child.status, signal: child.signal }).toEqual({ status: 4, signal: null });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('the peak of the process that started this one is not taken for its own', () => {
    const ballast = Buffer.alloc(400 * 1024 * 1024, 1);
    const child = run(`addon.sample(buffer); console.log(buffer[2]);`);
    expect(ballast).toHaveLength(400 * 1024 * 1024);
    expect(Number(child.stdout)).toBeGreaterThan(10 * 1024 * 1024);
    expect(Number(child.stdout)).toBeLessThan(200 * 1024 * 1024);
  });
});

describe('limitMemoryArenas', () => {
  test('refuses what is no count', () => {
    const limit = addon().limitMemoryArenas as (count: unknown) => boolean;
    for (const wrong of [undefined, 'x', 0, 1.5, -1, 2000]) expect(() => limit(wrong)).toThrow(/whole number/);
  });

  test('says whether the C library took it', () => {
    expect(typeof addon().limitMemoryArenas(64)).toBe('boolean');
  });
});

describe('keepFreedMemory', () => {
  test('refuses what is no size', () => {
    const keep = addon().keepFreedMemory as (...sizes: unknown[]) => boolean;
    for (const wrong of [[], ['x', 8192], [8192], [0, 8192], [8192, 2 ** 31]]) {
      expect(() => keep(...wrong)).toThrow(/two numbers/);
    }
  });

  const KEEP = 'addon.keepFreedMemory(8192 * 1024, 16384 * 1024)';
  const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  const isGlibc = report.header.glibcVersionRuntime !== undefined;

  test('says whether the C library took it', () => {
    expect(String(run(`console.log(${KEEP})`).stdout).trim()).toBe(String(isGlibc));
  });

  test('blocks that are freed and asked for again are not mapped anew each time', () => {
    // By default V8 frees in a thread of its own, which on a busy machine comes too late for the next block.
    const faults = (before: string): number => {
      const { stdout } = run(
        `${before}
        const batch = () => void [1, 2, 3].map(() => Buffer.allocUnsafeSlow(4 * 1024 * 1024).fill(1));
        for (let i = 0; i < 20; i += 1) { batch(); gc(); }
        console.log(process.resourceUsage().minorPageFault);`,
        '--single-threaded-gc',
        '--expose-gc',
      );
      return Number(stdout);
    };
    const before = faults('');
    const after = faults(`${KEEP};`);
    expect(after).toBeGreaterThan(0);
    // Elsewhere nothing is promised, and nothing may get worse.
    expect(after).toBeLessThan(isGlibc ? before / 4 : before * 1.5);
  });
});
