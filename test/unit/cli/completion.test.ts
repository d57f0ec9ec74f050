import { completionScript } from '../../../src/cli/commands/completion';
import { COMMANDS } from '../../../src/cli/command-declarations';
import { spawnSync } from 'node:child_process';

/** What bash would offer after these words, the last of them unfinished. */
function complete(...words: string[]): string[] {
  const script = `
    ${completionScript('bash') ?? ''}
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _pgsluice
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync('bash', ['-c', script, 'bash', 'pgsluice', ...words], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('completion in bash', () => {
  it('offers the commands first', () => {
    expect(complete('')).toEqual(expect.arrayContaining(COMMANDS.map((command) => command.name)));
    expect(complete('st')).toEqual(['status']);
  });

  it("offers a command's own options only", () => {
    expect(complete('plan', '--ex')).toEqual(['--explain']);
    expect(complete('status', '--h')).toEqual(['--help']);
    expect(complete('debug', '--metrics-p')).toEqual(['--metrics-port']);
  });

  it('offers the values of an option that has a choice, and none of others', () => {
    expect(complete('sync', '--sslmode', 'verify')).toEqual(['verify-ca', 'verify-full']);
    expect(complete('sync', '--sslmode', '=')).toHaveLength(6);
    expect(complete('sync', '--sslmode', '=', 'verify')).toEqual(['verify-ca', 'verify-full']);
    expect(complete('sync', '--port', '')).toEqual([]);
    expect(complete('completion', 'f')).toEqual(['fish']);
  });

  it('offers files where a file is wanted', () => {
    expect(complete('sync', '--configuration', `${__dirname}/completion.t`)).toEqual([
      `${__dirname}/completion.test.ts`,
    ]);
  });

  it('never offers a way to write the password down', () => {
    for (const shell of ['bash', 'zsh', 'fish'])
      expect(completionScript(shell)).not.toMatch(/-l password(?!-)|--password(?!-)/);
  });
});
