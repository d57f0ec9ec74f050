import { OPTIONS } from '../../../src/config/options';
import { OPTIONS_END, OPTIONS_START, renderOptionsTable, replaceOptionsTable } from '../../../src/config/options-table';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

describe('the table of options', () => {
  it('has a row for every option, with flag, variable and default', () => {
    const rows = renderOptionsTable().split('\n');
    for (const option of OPTIONS) expect(rows.filter((row) => row.startsWith(`| \`${option.key}\``))).toHaveLength(1);
    expect(rows).toContain(
      '| `max_retries` | `--max-retries` | `PGSLUICE_MAX_RETRIES` | `5` | ' +
        'Attempts per table; 0: one attempt, no retry; 0 to 1000 |',
    );
    expect(rows.find((row) => row.startsWith('| `password`'))).toContain(
      '| – | `PGSLUICE_PASSWORD`, `PGPASSWORD` | **required** |',
    );
  });

  it('replaces what stands between the markers, and nothing else', () => {
    const replaced = replaceOptionsTable(`before\n${OPTIONS_START}\nold\n${OPTIONS_END}\nafter`);
    expect(replaced).toBe(`before\n${OPTIONS_START}\n\n${renderOptionsTable()}\n\n${OPTIONS_END}\nafter`);
    expect(replaceOptionsTable('no markers')).toBeUndefined();
  });

  it('is in the README as it is generated (npm run docs writes it)', () => {
    const readme = readFileSync(join(__dirname, '../../../README.md'), 'utf8');
    expect(replaceOptionsTable(readme)).toBe(readme);
  });
});
