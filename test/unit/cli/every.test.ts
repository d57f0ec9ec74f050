import { EventEmitter } from 'node:events';
import { parseCommandLine } from '../../../src/cli/command-line';
import { parseDuration } from '../../../src/cli/duration';
import { nextTick } from '../../../src/cli/every';
import { supervisedSignals } from '../../../src/cli/supervised';

describe('ticks', () => {
  it('are counted from the start, and passed over while a run takes longer', () => {
    const at = (ms: number): number => nextTick(1_000_000, 60, 1_000_000 + ms).getTime() - 1_000_000;
    expect([at(0), at(59_999), at(60_000), at(150_000)]).toEqual([60_000, 60_000, 120_000, 180_000]);
  });

  it('are seconds, minutes, hours or days apart', () => {
    expect(['30s', '15m', '1h', '1d'].map((text) => parseDuration('every', text))).toEqual([30, 900, 3_600, 86_400]);
  });
});

describe('a run of another process', () => {
  function supervised(): { readonly child: EventEmitter; readonly heard: string[] } {
    const child = new EventEmitter();
    const heard: string[] = [];
    const signals = supervisedSignals(child as unknown as NodeJS.Process);
    for (const name of ['SIGINT', 'SIGTERM'] as const) signals.on(name, () => void heard.push(name));
    return { child, heard };
  }

  it.each([
    ['by itself first', ['direct', 'told']],
    ['told first', ['told', 'direct']],
  ])('hears a signal to both once, %s', (_name, order) => {
    const { child, heard } = supervised();
    for (const way of order) {
      if (way === 'direct') child.emit('SIGTERM');
      else child.emit('message', { stop: 'SIGTERM', count: 1 });
    }
    child.emit('disconnect');
    expect(heard).toEqual(['SIGTERM']);
  });

  it('hears a second signal, however it comes', () => {
    const { child, heard } = supervised();
    child.emit('message', { stop: 'SIGTERM', count: 1 });
    child.emit('message', { stop: 'SIGINT', count: 2 });
    expect(heard).toEqual(['SIGTERM', 'SIGINT']);
  });

  it('ends where the other process is gone', () => {
    const { child, heard } = supervised();
    child.emit('disconnect');
    expect(heard).toEqual(['SIGTERM']);
  });
});

describe('short options', () => {
  const parsed = (...argv: string[]): unknown => parseCommandLine(argv, '1');

  it.each(['sync', 'reconcile', 'verify', 'plan', 'check', 'status', 'monitor', 'init', 'reset', 'forget', 'serve'])(
    'mean the same to %s',
    (name) => {
      expect(parsed(name, '-c', 'x.json', '-q')).toMatchObject({
        configurationPath: 'x.json',
        flags: { log_level: 'warning' },
        switches: { quiet: 'true' },
      });
      expect(parsed(name, '-v')).toMatchObject({ flags: { debug: 'true' } });
      expect(parsed(name, '--verbose')).toMatchObject({ flags: { debug: 'true' } });
    },
  );

  it('leave the level of the log to the option that names it, and contradict each other', () => {
    expect(parsed('sync', '-q', '--log-level', 'severe')).toMatchObject({ flags: { log_level: 'severe' } });
    expect(() => parsed('sync', '-q', '-v')).toThrow('-q (--quiet) and -v (--debug) contradict each other.');
  });
});
