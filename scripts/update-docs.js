// Writes the option table into README.md and the layers into docs/ARCHITECTURE.md, between their markers. Run it after
// changing src/config/options.ts or what imports what.
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { built, builtFile } = require('./built');
const { drawLayers } = require('./layers');

const readme = join(__dirname, '..', 'README.md');

if (!existsSync(builtFile('optionsTable'))) {
  process.stderr.write('The build is missing; run `npm run build` first.\n');
  process.exit(1);
}
const table = built('optionsTable');

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

const architecture = join(__dirname, '..', 'docs', 'ARCHITECTURE.md');
const page = readFileSync(architecture, 'utf8');
const drawn = page.replace(
  /(<!-- layers -->\n)[^]*?(<!-- \/layers -->)/,
  (_all, start, end) => `${start}\n\`\`\`mermaid\n${drawLayers()}\`\`\`\n\n${end}`,
);
if (drawn === page) {
  process.stdout.write('docs/ARCHITECTURE.md is up to date.\n');
} else {
  writeFileSync(architecture, drawn);
  process.stdout.write('docs/ARCHITECTURE.md: layers drawn.\n');
}
