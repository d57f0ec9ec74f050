import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Documents name tests as `test/…/NAME.test.ts`, or as `KIND/…/NAME` without the folder and the ending. */
const ROOT = join(__dirname, '../../..');
const pages = ['README.md', 'SECURITY.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith('.md'),
);

it.each(pages)('every test that %s names exists', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const whole = [...text.matchAll(/`(test\/[\w/.-]+\.test\.ts)`/g)].map(([, name = '']) => name);
  const short = [...text.matchAll(/`((?:unit|integration|faults|e2e|property)\/[a-z/-]+)`/g)].map(
    ([, name = '']) => `test/${name}.test.ts`,
  );
  expect([...whole, ...short].filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
});
