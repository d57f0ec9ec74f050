import { COMMANDS } from '../../../src/cli/command-declarations';
import { parseCommandLine } from '../../../src/cli/command-line';
import { EXIT } from '../../../src/cli/exit-codes';
import { createMetrics } from '../../../src/cli/watch/metrics';
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

  it('explains only log lines that are written somewhere', () => {
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
      .join('\n');
    const table = text.slice(text.indexOf('## Log lines'), text.indexOf('## Alerts'));
    const lines = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap((row) => [...(row[1] ?? '').matchAll(/`([^`]+)`/g)]);
    expect(lines.length).toBeGreaterThan(20);
    for (const [, line = ''] of lines) {
      // The fixed words before the first thing that varies.
      const fixed = line.split(/\b[A-Z]\b|\bNAME\b|\bTIME\b|\bURL\b|…|i\/n|"/)[0] ?? '';
      const known = sources.includes(fixed.trim()) || /PRESSURE|pressure eased/.test(fixed);
      expect([line, known]).toEqual([line, true]);
    }
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
