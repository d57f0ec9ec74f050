import { COMMANDS } from '../../../src/cli/command-declarations';
import { parseCommandLine } from '../../../src/cli/command-line';
import { EXIT } from '../../../src/cli/exit-codes';
import { createMetrics } from '../../../src/observe/metrics';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');
const text = readFileSync(join(ROOT, 'docs/RUNBOOK.md'), 'utf8');

/** Every `pgsluice …` of the documents, in code blocks and in the running text. */
function commandLines(document: string): string[] {
  const quoted = [...document.matchAll(/`(?:[A-Z]+=\S+ )?(pgsluice [a-z][^`\n]*)`/g)].map((match) => match[1] ?? '');
  let fenced = false;
  const run = document.split('\n').flatMap((line) => {
    if (line.startsWith('```')) fenced = !fenced;
    return fenced && !line.startsWith('#') ? (/(?:^|\/| && |\$SECRET" )(pgsluice [a-z].*)$/.exec(line)?.[1] ?? []) : [];
  });
  return [...quoted, ...run].map((line) => line.replace(/\s*(?:\||>>|[)]).*$/s, '').trim());
}

describe('the run book', () => {
  it.each([...new Set(commandLines(text))])('gives a command that exists: %s', (line) => {
    const words = [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
      (match) => match[1] ?? match[2] ?? match[3] ?? '',
    );
    expect(parseCommandLine(words.slice(1), '1')).toMatchObject({ kind: 'command' });
  });

  it('explains every exit code', () => {
    const table = text.slice(text.indexOf('## Exit codes'), text.indexOf('## Log lines'));
    for (const code of Object.values(EXIT)) expect(table).toMatch(new RegExp(`^\\| (?:\\d+, )?${code}[ ,]`, 'm'));
  });

  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('reference-client'))
    .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
    .join('\n');
  const logLines = [...text.slice(text.indexOf('## Log lines'), text.indexOf('## Alerts')).matchAll(/^\| (`.*?`) \|/gm)]
    .flatMap((row) => [...(row[1] ?? '').matchAll(/`([^`]+)`/g)])
    .map(([, line = '']) => line);
  /** The words of a line between what varies. */
  const fixedWords = (line: string): string[] =>
    line
      .split(/\b[A-Z]\b|\bNAME\b|\bTIME\b|\bURL\b|\bFILE\b|\bCOLUMN\b|N\.NN|…|i\/n|"|\$\{[^}]*\}?/)
      .map((words) => words.trim())
      .filter((words) => words.length >= 5);

  it('explains only log lines that are written somewhere', () => {
    expect(logLines.length).toBeGreaterThan(50);
    for (const line of logLines) {
      const [fixed = ''] = fixedWords(line);
      // Made of parts: severity, resource and figures.
      const known = sources.includes(fixed) || /PRESSURE|pressure eased|^SIG/.test(line);
      expect([line, known]).toEqual([line, true]);
    }
  });

  it('explains every log line that is written', () => {
    const explained = logLines.flatMap(fixedWords);
    const written = sources.matchAll(/(?:\blogger(?:\.(?:info|warning|severe))?|\bload)\(\s*(?:'([^']+)'|`([^`]+)`)/g);
    const messages = [...written].map((match) => match[1] ?? match[2] ?? '').filter((message) => / /.test(message));
    expect(messages.length).toBeGreaterThan(40);
    for (const message of messages) {
      // Sentences that are made elsewhere have nothing of their own.
      if (fixedWords(message).length === 0) continue;
      const known = explained.some((words) => message.includes(words));
      expect([message, known]).toEqual([message, true]);
    }
  });

  it('explains the lines that operators of the Python connector search for', () => {
    for (const line of [
      'SYNC PROCESSING PLAN',
      'SUMMARY STATISTICS',
      'Found N tables to process',
      'Processing table i/n: NAME (category, N rows)',
      'Checkpointing NAME after N records',
      'Successfully processed table NAME',
      'Error processing table NAME, attempt i/n:',
      'Retrying NAME after backoff N.NNs (attempt i/n)',
      'Max retries exceeded for table NAME',
      'Completed i/n tables. Next: NAME',
      'Schema discovery completed: N tables found',
      'New database connection established at ',
      'Resource Monitor: Memory ',
      'CRITICAL MEMORY PRESSURE: Reducing batch size from A to B records',
      'HIGH MEMORY PRESSURE: ',
      'CRITICAL CPU PRESSURE: Reducing threads from A to B',
      'HIGH CPU PRESSURE: ',
      'Data extraction completed successfully in N.NN seconds',
    ])
      expect(logLines.filter((explained) => explained.includes(line))).toHaveLength(1);
  });

  it('alerts on metrics that there are', async () => {
    const names = new Set((await createMetrics('1').registry.getMetricsAsJSON()).map(({ name }) => name));
    const table = text.slice(text.indexOf('## Alerts'), text.indexOf('## Slow sync'));
    for (const [name] of table.matchAll(/\bpgsluice_[a-z_]+/g)) expect(names).toContain(name.replace(/_bucket$/, ''));
  });

  it('speaks of commands that the help lists', () => {
    const known = COMMANDS.flatMap(({ name, aliases }) => [name, ...aliases]);
    for (const [, name] of text.matchAll(/`pgsluice ([a-z]+)/g)) expect(known).toContain(name);
  });
});
