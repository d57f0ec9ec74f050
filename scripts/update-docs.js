// Writes the option table into README.md, between its markers. Run it after changing src/config/options.ts.
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const readme = join(root, 'README.md');

let table;
try {
  table = require(join(root, 'dist', 'config', 'options-table.js'));
} catch (error) {
  if (error.code !== 'MODULE_NOT_FOUND') throw error;
  process.stderr.write('The build is missing; run `npm run build` first.\n');
  process.exit(1);
}

const before = readFileSync(readme, 'utf8');
const after = table.replaceOptionsTable(before);
if (after === undefined) {
  process.stderr.write(`README.md needs the lines ${table.OPTIONS_START} and ${table.OPTIONS_END}.\n`);
  process.exit(1);
}
if (after === before) {
  process.stdout.write('README.md is up to date.\n');
} else {
  writeFileSync(readme, after);
  process.stdout.write('README.md: option table written.\n');
}
