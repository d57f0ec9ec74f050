import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadAddon, type ProcessStatsAddon } from '../../../src/native/addon';

const MB = 1024 * 1024;
const V2 = '40 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw';
const UNLIMITED_V1 = '9223372036854771712';

let addon: ProcessStatsAddon;
let root: string;

beforeEach(() => {
  const result = loadAddon(23);
  if (result.addon === undefined) throw new Error(result.reason);
  addon = result.addon;
  root = mkdtempSync(path.join(tmpdir(), 'pgsluice-'));
  write({ '/proc/meminfo': 'MemTotal:  8388608 kB\nMemFree:  1024 kB\nMemAvailable:  4194304 kB\n' });
});

afterEach(() => {
  addon.setRoot('');
  rmSync(root, { recursive: true });
});

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.join(root, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
}

/** A fresh reading of the recorded tree. */
function read() {
  const buffer = new Float64Array(23);
  addon.setRoot('');
  addon.sample(buffer);
  addon.setRoot(root);
  addon.sample(buffer);
  const [limit, used, quotaCores, cpuSeconds] = buffer.slice(15, 19);
  return { limit, used, quotaCores, cpuSeconds, hostTotal: buffer[10], psiMemory: buffer[19], psiCpu: buffer[20] };
}

test('no control groups: no limits, and the host is still read', () => {
  expect(read()).toEqual({
    limit: NaN,
    used: NaN,
    quotaCores: NaN,
    cpuSeconds: NaN,
    hostTotal: 8192 * MB,
    psiMemory: NaN,
    psiCpu: NaN,
  });
});

test('version 2 in a container: own limit, use without inactive page cache, quota', () => {
  write({
    '/proc/self/cgroup': '0::/\n',
    '/proc/self/mountinfo': `23 1 0:21 / /proc rw - proc proc rw\n${V2}\n`,
    '/sys/fs/cgroup/memory.max': `${1024 * MB}\n`,
    '/sys/fs/cgroup/memory.high': 'max\n',
    '/sys/fs/cgroup/memory.current': `${900 * MB}\n`,
    '/sys/fs/cgroup/memory.stat': `anon 1\nfile 2\nworkingset_inactive_file 7\ninactive_file ${400 * MB}\n`,
    '/sys/fs/cgroup/cpu.max': '150000 100000\n',
    '/sys/fs/cgroup/cpu.stat': 'usage_usec 2500000\nuser_usec 1\n',
  });
  expect(read()).toMatchObject({ limit: 1024 * MB, used: 500 * MB, quotaCores: 1.5, cpuSeconds: 2.5 });
});

test('version 2 without limits', () => {
  write({
    '/proc/self/cgroup': '0::/user.slice\n',
    '/proc/self/mountinfo': `${V2}\n`,
    '/sys/fs/cgroup/user.slice/memory.max': 'max\n',
    '/sys/fs/cgroup/user.slice/memory.current': `${900 * MB}\n`,
    '/sys/fs/cgroup/user.slice/cpu.max': 'max 100000\n',
  });
  expect(read()).toMatchObject({ limit: NaN, used: NaN, quotaCores: NaN, cpuSeconds: NaN });
});

test('the tightest limit of the ancestors counts, with the use of the group that has it', () => {
  write({
    '/proc/self/cgroup': '0::/pods/pod1/main\n',
    '/proc/self/mountinfo': `${V2}\n`,
    '/sys/fs/cgroup/pods/pod1/main/memory.max': `${600 * MB}\n`,
    '/sys/fs/cgroup/pods/pod1/main/memory.current': `${100 * MB}\n`,
    '/sys/fs/cgroup/pods/pod1/main/cpu.max': 'max 100000\n',
    '/sys/fs/cgroup/pods/pod1/memory.max': `${500 * MB}\n`,
    '/sys/fs/cgroup/pods/pod1/memory.current': `${450 * MB}\n`,
    '/sys/fs/cgroup/pods/pod1/cpu.max': '50000 100000\n',
    '/sys/fs/cgroup/pods/pod1/cpu.stat': 'usage_usec 8000000\n',
    '/sys/fs/cgroup/pods/memory.max': `${4000 * MB}\n`,
    '/sys/fs/cgroup/pods/memory.current': `${3000 * MB}\n`,
    '/sys/fs/cgroup/pods/cpu.max': '400000 100000\n',
  });
  expect(read()).toMatchObject({ limit: 500 * MB, used: 450 * MB, quotaCores: 0.5, cpuSeconds: 8 });
});

test('memory.high is a limit too: above it the group is stalled', () => {
  write({
    '/proc/self/cgroup': '0::/\n',
    '/proc/self/mountinfo': `${V2}\n`,
    '/sys/fs/cgroup/memory.max': 'max\n',
    '/sys/fs/cgroup/memory.high': `${300 * MB}\n`,
    '/sys/fs/cgroup/memory.current': `${200 * MB}\n`,
  });
  expect(read()).toMatchObject({ limit: 300 * MB, used: 200 * MB });
});

test('version 1 in a container without a cgroup namespace: the path is taken relative to the mount', () => {
  write({
    '/proc/self/cgroup': '4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n',
    '/proc/self/mountinfo':
      '35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n' +
      '36 31 0:33 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${256 * MB}\n`,
    '/sys/fs/cgroup/memory/memory.usage_in_bytes': `${200 * MB}\n`,
    '/sys/fs/cgroup/memory/memory.stat': `inactive_file 1\ntotal_inactive_file ${50 * MB}\n`,
    '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '200000\n',
    '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
    '/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage': '3500000000\n',
  });
  expect(read()).toMatchObject({ limit: 256 * MB, used: 150 * MB, quotaCores: 2, cpuSeconds: 3.5 });
});

test('version 1 writes "unlimited" as a huge number and as quota -1', () => {
  write({
    '/proc/self/cgroup': '4:memory:/a\n3:cpu:/\n2:cpuacct:/\n',
    '/proc/self/mountinfo':
      '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n' +
      '36 31 0:33 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n' +
      '37 31 0:34 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n',
    '/sys/fs/cgroup/memory/a/memory.limit_in_bytes': UNLIMITED_V1,
    '/sys/fs/cgroup/memory/a/memory.usage_in_bytes': '1000',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': UNLIMITED_V1,
    '/sys/fs/cgroup/memory/memory.usage_in_bytes': '1000',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
  });
  expect(read()).toMatchObject({ limit: NaN, used: NaN, quotaCores: NaN });
});

test('pressure stall averages', () => {
  write({
    '/proc/pressure/memory':
      'some avg10=12.34 avg60=1.00 avg300=0.00 total=5\nfull avg10=99.00 avg60=0 avg300=0 total=0\n',
    '/proc/pressure/cpu': 'some avg10=0.66 avg60=0.36 avg300=0.59 total=5867663\n',
  });
  const { psiMemory, psiCpu } = read();
  expect(psiMemory).toBeCloseTo(12.34, 9);
  expect(psiCpu).toBeCloseTo(0.66, 9);
});

test.each([
  ['empty files', '', ''],
  ['lines without fields', ':\n::\n0\n', 'x\n - \n1 2 3 - cgroup2\n'],
  ['a path outside the mount', '0::/../../elsewhere\n', '40 31 0:38 /inside /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n'],
])('%s are read without harm', (_what, cgroup, mountinfo) => {
  write({
    '/proc/self/cgroup': cgroup,
    '/proc/self/mountinfo': mountinfo,
    '/proc/stat': 'cpu',
    '/proc/self/statm': 'x',
  });
  expect(read()).toMatchObject({ limit: NaN, quotaCores: NaN, hostTotal: 8192 * MB });
});
