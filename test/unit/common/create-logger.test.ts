import { createLogger, type LoggerOptions } from '../../../src/common/create-logger';

async function logged(options: Partial<LoggerOptions>): Promise<readonly string[]> {
  const lines: string[] = [];
  const logger = createLogger({
    format: 'text',
    level: 'info',
    write: (line) => lines.push(line),
    now: () => new Date('2026-01-02T03:04:05.678Z'),
    ...options,
  });
  logger.debug('a detail');
  logger.info('5 rows');
  logger.warning('pressure');
  logger.severe('lost, PWD={s3;cret!};');
  await logger.close();
  return lines;
}

describe('the logger', () => {
  it('writes time, level and message for people', async () => {
    expect(await logged({})).toEqual([
      '2026-01-02T03:04:05.678Z INFO 5 rows\n',
      '2026-01-02T03:04:05.678Z WARNING pressure\n',
      '2026-01-02T03:04:05.678Z SEVERE lost, PWD=***;\n',
    ]);
  });

  it('writes the JSON of the platform, debug as INFO', async () => {
    const lines = await logged({ format: 'json', level: 'debug', forPlatform: true });
    expect(lines.every((line) => line.endsWith('}\n'))).toBe(true);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { level: 'INFO', message: 'a detail', 'message-origin': 'sdk_connector' },
      { level: 'INFO', message: '5 rows', 'message-origin': 'sdk_connector' },
      { level: 'WARNING', message: 'pressure', 'message-origin': 'sdk_connector' },
      { level: 'SEVERE', message: 'lost, PWD=***;', 'message-origin': 'sdk_connector' },
    ]);
  });

  it('writes time and fields into JSON, of which none replaces the line itself', async () => {
    const lines: string[] = [];
    const logger = createLogger({
      format: 'json',
      level: 'info',
      secrets: ['s3cret!'],
      write: (line) => lines.push(line),
      now: () => new Date('2026-01-02T03:04:05.678Z'),
    });
    logger.warning('Retrying public.t', { table: 'public.t', attempt: 2, note: 'of s3cret!', message: 'other' });
    await logger.close();
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        timestamp: '2026-01-02T03:04:05.678Z',
        level: 'WARNING',
        message: 'Retrying public.t',
        'message-origin': 'sdk_connector',
        table: 'public.t',
        attempt: 2,
        note: 'of ***',
      },
    ]);
  });

  it.each([
    ['debug', 4],
    ['info', 3],
    ['warning', 2],
    ['severe', 1],
  ] as const)('writes from level %s on', async (level, count) => {
    expect(await logged({ level })).toHaveLength(count);
  });

  it('hides secrets at every level and in both formats', async () => {
    for (const format of ['text', 'json'] as const) {
      const lines: string[] = [];
      const logger = createLogger({ format, level: 'debug', secrets: ['s3c"ret!'], write: (line) => lines.push(line) });
      for (const level of ['debug', 'info', 'warning', 'severe'] as const) logger[level]('it is s3c"ret!, really');
      await logger.close();
      expect(lines).toHaveLength(4);
      for (const line of lines) expect(line).toContain('it is ***, really');
    }
  });

  it('writes one line of valid JSON whatever the message', async () => {
    const lines: string[] = [];
    const logger = createLogger({ format: 'json', level: 'info', write: (line) => lines.push(line) });
    logger.info('two\nlines "quoted" \u001b[31m');
    await logger.close();
    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd()).not.toContain('\n');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ message: 'two\nlines "quoted" \u001b[31m' });
  });

  it('obeys no escape sequence in a name on a terminal', async () => {
    const lines: string[] = [];
    const logger = createLogger({ format: 'text', level: 'info', write: (line) => lines.push(line) });
    logger.info('table \u001b[2Jx');
    await logger.close();
    expect(lines.join('')).not.toContain('\u001b');
  });

  it('hands over every line before close resolves, however many there are', async () => {
    let count = 0;
    const logger = createLogger({ format: 'text', level: 'info', write: () => count++ });
    for (let index = 0; index < 5000; index++) logger.info(`line ${index}`);
    await logger.close();
    expect(count).toBe(5000);
  });

  it('may be closed twice and takes no notice of what comes after', async () => {
    const lines: string[] = [];
    const logger = createLogger({ format: 'text', level: 'info', write: (line) => lines.push(line) });
    await logger.close();
    logger.info('too late');
    await logger.close();
    expect(lines).toEqual([]);
  });
});
