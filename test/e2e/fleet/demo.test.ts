/** The demo of a fleet, as README.md has a new user run it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { join } from 'node:path';
import { PROJECT } from '../../helpers/cli';

it('kills a worker, and ends with every tenant equal', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(PROJECT, 'scripts/demo/demo-fleet.js')], {
    env: { ...process.env, PGSLUICE_DEMO_ROWS: '3000' },
    maxBuffer: 2 ** 24,
  });
  expect(stdout).toMatch(/kill -9 of the first worker/);
  expect(stdout.match(/EQUAL: every value of 11 tables is the same/g)).toHaveLength(3);
  expect(stdout).toMatch(/every tenant is equal to its source/);
});
