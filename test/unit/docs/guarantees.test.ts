import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAULTS } from '../../helpers/fault-actions';

const ROOT = join(__dirname, '../../..');
const text = readFileSync(join(ROOT, 'docs/GUARANTEES.md'), 'utf8');

describe('the guarantees', () => {
  it('each name the tests that hold them', () => {
    const promises = text.slice(text.indexOf('## Promised'), text.indexOf('## At every moment'));
    const rows = promises.split('\n').filter((line) => /^\| (?!promise)[A-Z]/.test(line));
    expect(rows.length).toBeGreaterThan(15);
    for (const row of rows) expect(row).toMatch(/\| `[a-z0-9]+\/[a-z/-]+`(?:, `[a-z0-9]+\/[a-z/-]+`)* \|$/);
  });

  it('of the faults: seven steps at a time lead to each of them', () => {
    const number = Object.keys(FAULTS).length;
    expect(new Set(Array.from({ length: number }, (_, round) => (round * 7) % number)).size).toBe(number);
  });
});
