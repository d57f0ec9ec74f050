/** The demo, as README.md has a new user run it: what it prints is what README.md shows, and its warehouse stays. */
import { PROJECT } from '../../helpers/cli';
import { withWarehouse } from '../../helpers/compare';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SAMPLE = /<!-- sample:start -->\n\n```\n([^]*?)\n```\n\n<!-- sample:end -->/;

let files: string;
beforeAll(() => (files = mkdtempSync(join(tmpdir(), 'pgsluice-demo-files-'))));
afterAll(() => rmSync(files, { recursive: true, force: true }));

it("README.md's sample is the demo's output, line by line in its order", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(PROJECT, 'scripts/demo/demo.js'), '--files', files],
    { cwd: files, maxBuffer: 2 ** 24 },
  );
  const printed = stdout.split('\n').map((line) => line.replace(/^\d{4}-\S+Z /, ''));
  const [, sample = ''] = SAMPLE.exec(readFileSync(join(PROJECT, 'README.md'), 'utf8')) ?? [];
  const shown = sample.split('\n');
  expect(shown.length).toBeGreaterThan(15);
  const found: string[] = [];
  let from = 0;
  for (const line of shown) {
    const at = printed.indexOf(line, from);
    if (at === -1) continue;
    from = at + 1;
    found.push(line);
  }
  expect(found).toEqual(shown);
  expect(printed).toContainEqual(expect.stringMatching(/^EQUAL: every value of 11 tables is the same/));
  const held = await withWarehouse({ folder: files }, (warehouse) =>
    warehouse.rows('SELECT count(*)::int FROM tester.source_public_orders'),
  );
  expect(held).toEqual([[125_000]]);
});
