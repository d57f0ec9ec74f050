import { spawnSync } from 'node:child_process';
import { limitHeapGrowth } from '../../../src/common/heap-growth';

describe('limitHeapGrowth', () => {
  it('leaves a Node alone that may not know the flag any more', () => {
    expect(limitHeapGrowth('25.0.0')).toBe(false);
  });

  it('sets a flag that this Node knows: V8 would write of an unknown one to standard error', () => {
    const known = spawnSync(process.execPath, ['--v8-options'], { encoding: 'utf8' }).stdout;
    expect(known).toContain('--max-old-space-size');
    expect(!limitHeapGrowth() || known.includes('--heap-growing-percent')).toBe(true);
  });
});
