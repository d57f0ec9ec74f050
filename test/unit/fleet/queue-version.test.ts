import { readFileSync } from 'node:fs';
import { QUEUE_VERSION } from '../../../src/fleet/queue-server';

it('is that of the pg-boss that is installed', () => {
  const manifest = JSON.parse(readFileSync(require.resolve('pg-boss/package.json'), 'utf8')) as {
    readonly pgboss: { readonly schema: number };
  };
  expect(QUEUE_VERSION).toBe(manifest.pgboss.schema);
});
