import { spawnSync } from 'node:child_process';
import { HeapGrowth, setHeapFlags } from '../../../src/common/heap-growth';

/** Flags that are set until so many bytes have been written, in batches of 1 MB. */
function flagsUntil(megabytes: number, ownProcess = true): string[] {
  const flags: string[] = [];
  const growth = new HeapGrowth(ownProcess, (more) => flags.push(...more.split(' ')));
  for (let written = 0; written < megabytes; written += 1) growth.written(1024 * 1024);
  return flags;
}

/** The young generation must not grow either. */
const FIRST = ['--no-incremental-marking', '--semi-space-growth-factor=1'];

describe('heap growth', () => {
  it('keeps a sync of few rows from collecting', () => {
    expect(flagsUntil(16)).toEqual(FIRST);
  });

  it('collects in a longer one, and keeps the heap small', () => {
    const flags = [...FIRST, '--incremental-marking', '--heap-growing-percent=60'];
    expect(flagsUntil(17)).toEqual(flags);
    expect(flagsUntil(100)).toEqual(flags);
  });

  it('does not keep a service from collecting', () => {
    expect(flagsUntil(16, false)).toEqual([]);
    expect(flagsUntil(17, false)).toEqual(['--incremental-marking', '--heap-growing-percent=60']);
  });

  it('leaves a Node alone that may not know the flags any more', () => {
    expect(setHeapFlags('--no-such-flag', '25.0.0')).toBe(false);
  });

  it('sets flags that this Node knows: V8 would write of an unknown one to standard error', () => {
    const { stdout } = spawnSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
    const flags = ['--incremental-marking', '--heap-growing-percent', '--semi-space-growth-factor'];
    expect(flags.filter((flag) => stdout.includes(`  ${flag} (`))).toEqual(flags);
    expect(setHeapFlags('--incremental-marking')).toBe(Number.parseInt(process.versions.node, 10) <= 24);
  });
});
