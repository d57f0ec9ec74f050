import { watchSignals, type Stopped } from '../../../src/cli/signals';
import { ConnectorError } from '../../../src/common/errors';
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

function watch(graceMs = 10_000, stops: Stopped = 'sync') {
  const source = new EventEmitter();
  const said: string[] = [];
  const forced: number[] = [];
  const interruption = watchSignals({
    source: source as unknown as NodeJS.Process,
    stops,
    say: (text) => said.push(text),
    forceExit: (code) => forced.push(code),
    graceMs,
  });
  return { source, said, forced, interruption };
}

describe('signals', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('the first %s aborts the run, says so, and leaves the process alive', (name, code) => {
    const { source, said, forced, interruption } = watch();
    expect(interruption.exitCode()).toBeUndefined();
    source.emit(name, name);
    expect(interruption.signal.aborted).toBe(true);
    expect(interruption.signal.reason).toBeInstanceOf(ConnectorError);
    expect(interruption.exitCode()).toBe(code);
    expect(said).toEqual([expect.stringContaining('progress is kept')]);
    expect(forced).toEqual([]);
    interruption.dispose();
  });

  it.each<[Stopped, readonly string[]]>([
    ['look', ['SIGINT: stopping; nothing is lost. A second signal stops at once.']],
    ['display', []],
  ])('speaks of no batch where there is none: %s', (stops, lines) => {
    const { source, said, interruption } = watch(10_000, stops);
    source.emit('SIGINT', 'SIGINT');
    expect(said).toEqual(lines);
    expect((interruption.signal.reason as ConnectorError).message).toBe('Interrupted by SIGINT.');
    expect(interruption.exitCode()).toBe(130);
    interruption.dispose();
  });

  it('a second signal ends the process at once, with the code of the first', () => {
    const { source, forced, interruption } = watch();
    source.emit('SIGINT', 'SIGINT');
    source.emit('SIGTERM', 'SIGTERM');
    expect(forced).toEqual([130]);
    interruption.dispose();
  });

  it('ends the process when the run does not end within the grace time', async () => {
    const { source, forced, interruption } = watch(20);
    source.emit('SIGTERM', 'SIGTERM');
    await sleep(60);
    expect(forced).toEqual([143]);
    interruption.dispose();
  });

  it('does nothing any more once the run has ended', async () => {
    const { source, forced, interruption } = watch(20);
    source.emit('SIGINT', 'SIGINT');
    interruption.dispose();
    await sleep(60);
    expect(forced).toEqual([]);
    expect(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')).toBe(0);
  });
});
