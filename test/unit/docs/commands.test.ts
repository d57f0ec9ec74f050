import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../../src/cli/command-declarations';

const README = readFileSync(join(__dirname, '../../../README.md'), 'utf8');

it('the README names each command', () => {
  const missing = COMMANDS.map(({ name }) => name).filter((name) => !README.includes(`| \`pgsluice ${name}`));
  expect(missing).toEqual([]);
});
