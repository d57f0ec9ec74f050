import { createHash, createHmac } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConnectorError } from '../../../src/common/errors';
import { loadSettings, type LoadSettingsInput } from '../../../src/config/load-settings';
import { hashKeyOf } from '../../../src/model/hash-key';

const SECRET = 'a key of more than sixteen characters';
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgsluice-hash-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function load(
  values: Readonly<Record<string, string>>,
  env: LoadSettingsInput['env'] = {},
): ReturnType<typeof loadSettings> {
  const complete = { host: 'db', port: '5432', database: 'shop', username: 'me', password: 's3cret!' };
  writeFileSync(
    join(folder, 'configuration.json'),
    JSON.stringify({ columns: '{"email": "hash"}', ...complete, ...values }),
  );
  return loadSettings({ flags: {}, env, cwd: folder });
}

function problem(...parameters: Parameters<typeof load>): string {
  try {
    load(...parameters);
  } catch (error) {
    return (error as ConnectorError).describe();
  }
  throw new Error('The configuration was accepted.');
}

it('is of the environment, of the configuration, or of a file without the newline at its end', () => {
  const expected = hashKeyOf(Buffer.from(SECRET));
  writeFileSync(join(folder, 'key'), `${SECRET}\n`, { mode: 0o600 });
  expect(load({}, { PGSLUICE_HASH_KEY: SECRET }).settings.hashKey).toEqual(expected);
  expect(load({ hash_key: SECRET }).settings.hashKey).toEqual(expected);
  const { settings, secrets, warnings } = load({ hash_key_file: 'key' });
  expect([settings.hashKey, warnings]).toEqual([expected, []]);
  expect(secrets).toContain(SECRET);
  chmodSync(join(folder, 'key'), 0o644);
  expect(load({ hash_key_file: 'key' }).warnings).toEqual([expect.stringContaining('run: chmod 600')]);
});

it('is not sent to a server where no rule needs it, and not looked for by commands that read no table', () => {
  expect(load({ hash_key: SECRET, columns: '{"email": "mask"}' }).settings.hashKey).toBeUndefined();
  load({ hash_key: SECRET });
  writeFileSync(join(folder, 'configuration.json'), '{"columns": "{\\"email\\": \\"hash\\"}"}');
  expect(loadSettings({ flags: {}, env: {}, cwd: folder, groups: ['Tables', 'Output'] }).settings.columns).toEqual([]);
});

it('must be there, be one, and be long enough; no sentence shows it', () => {
  expect(problem({})).toMatch(/asks for a hash, and there is no key\. Set "hash_key_file", or PGSLUICE_HASH_KEY/);
  writeFileSync(join(folder, 'key'), 'short-one\n');
  expect(problem({ hash_key_file: 'key' })).toMatch(/fewer than 16 characters/);
  expect(problem({ hash_key_file: 'key' })).not.toContain('short-one');
  expect(problem({ hash_key_file: 'key', hash_key: SECRET })).toMatch(/Both "hash_key" and "hash_key_file"/);
  expect(problem({ hash_key_file: 'nowhere' })).toMatch(/nowhere, which does not exist/);
  expect(problem({ hash_key_file: '.' })).toMatch(/cannot be read/);
});

it('is two blocks of which HMAC-SHA-256 is made', () => {
  for (const secret of ['k'.repeat(16), 'k'.repeat(64), 'ü'.repeat(70)]) {
    const [inner = '', outer = ''] = Object.values(hashKeyOf(Buffer.from(secret)).settings);
    const hash = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
    const made = hash(Buffer.from(outer, 'hex'), hash(Buffer.from(inner, 'hex'), Buffer.from('value')));
    expect(made.toString('hex')).toBe(createHmac('sha256', secret).update('value').digest('hex'));
  }
});
