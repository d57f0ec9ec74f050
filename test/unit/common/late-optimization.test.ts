import { spawnSync } from 'node:child_process';
import { optimizeLate } from '../../../src/common/late-optimization';

function flagsOf(nodeVersion?: string): string[] {
  const flags: string[] = [];
  optimizeLate((flag) => flags.push(flag), nodeVersion);
  return flags;
}

describe('late optimization', () => {
  it('takes the flag of the Node that runs', () => {
    expect(flagsOf('20.20.2')).toEqual(['--interrupt-budget=1000000']);
    expect(flagsOf('22.12.0')).toEqual(['--invocation-count-for-turbofan=30000']);
  });

  it('leaves a Node alone that has no such flag', () => {
    expect(flagsOf('21.0.0')).toEqual([]);
    expect(flagsOf('24.1.0')).toEqual([]);
  });

  it('sets a flag that this Node knows: V8 would write of an unknown one to standard error', () => {
    const { stderr, status } = spawnSync(process.execPath, [...flagsOf(), '-e', '0'], { encoding: 'utf8' });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  });
});
