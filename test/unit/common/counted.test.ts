import { counted, plural } from '../../../src/common/counted';
import { formatCounted } from '../../../src/cli/text-width';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

it('writes a number with its noun', () => {
  expect([0, 1, 2].map((count) => counted(count, 'row'))).toEqual(['0 rows', '1 row', '2 rows']);
  expect([1, 3].map((count) => counted(count, 'retry', 'retries'))).toEqual(['1 retry', '3 retries']);
  expect(plural(1, 'flag')).toBe('flag');
  expect([1, 1.2, 25_000].map((count) => formatCounted(count, 'row'))).toEqual(['1 row', '1 row', '25,000 rows']);
});

it('is what every message with a count of rows, tables or records uses', () => {
  const folder = join(__dirname, '../../../src');
  const lines = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) =>
      readFileSync(join(folder, name), 'utf8')
        .split('\n')
        .map((line) => `${name}: ${line.trim()}`),
    );
  const plain = /\$\{[\w.]*(?:length|size|rows|count|total|Rows)\} (?:rows|tables|records|columns|partitions|rules)\b/i;
  // These are never about one: the platform's own rules, and what is said of more than one only.
  const several = /reference-client|MOST_|> 3 \?|None of the database's|All \$\{/;
  expect(lines.filter((line) => plain.test(line) && !several.test(line))).toEqual([]);
});
