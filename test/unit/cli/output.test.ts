import { createOutput, type Output } from '../../../src/cli/output';

function output(
  logFormat: 'text' | 'json',
  terminal: boolean,
): { readonly output: Output; readonly text: () => string } {
  let text = '';
  const stdout = { isTTY: terminal, columns: 80, rows: 24, write: (chunk: string) => void (text += chunk) };
  const settings = { logFormat, logLevel: 'info' } as const;
  return { output: createOutput(settings, ['s3cret!'], stdout, { TERM: 'xterm' }), text: () => text };
}

describe('output', () => {
  it('is plain text in a pipe: no bars, no escape sequences', async () => {
    const { output: piped, text } = output('text', false);
    piped.observer.planned?.({ tables: [] });
    piped.logger.info('hello');
    piped.print(['', 'result of s3cret!']);
    await piped.close();
    expect(text()).toMatch(/^\S+ INFO hello\n\nresult of \*\*\*\n$/);
    expect(text()).not.toContain('\u001b');
  });

  it('is JSON only, when asked, on a terminal too', async () => {
    const { output: json, text } = output('json', true);
    json.observer.planned?.({ tables: [] });
    json.logger.warning('s3cret!');
    json.print(['', 'done']);
    await json.close();
    const lines = text().trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual(['***', 'done']);
  });

  it('draws bars on a terminal and removes them before a result', async () => {
    const { output: terminal, text } = output('text', true);
    terminal.observer.planned?.({ tables: [] });
    terminal.logger.info('hello');
    terminal.print(['result']);
    await terminal.close();
    expect(text()).toContain('0/0 tables');
    expect(text().endsWith('result\n')).toBe(true);
  });
});
