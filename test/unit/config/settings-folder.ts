/** A folder with a configuration, of which settings are loaded; it is another one in each test. */
import { ConnectorError } from '../../../src/common/errors';
import { loadSettings, type LoadSettingsInput } from '../../../src/config/load-settings';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const COMPLETE = { host: 'db', port: '5432', database: 'shop', username: 'me', password: 's3cret!' };
export let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pgsluice-settings-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

export function writeConfiguration(content: unknown, name = 'configuration.json'): string {
  const path = join(directory, name);
  writeFileSync(path, typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content));
  return path;
}

export function load(input: Partial<LoadSettingsInput> = {}): ReturnType<typeof loadSettings> {
  return loadSettings({ flags: {}, env: {}, cwd: directory, ...input });
}

/** The sentences of the error, one a line. */
export function problems(input: Partial<LoadSettingsInput> = {}): readonly string[] {
  try {
    load(input);
  } catch (error) {
    expect(error).toBeInstanceOf(ConnectorError);
    expect((error as ConnectorError).kind).toBe('configuration');
    return (error as ConnectorError).describe().split('\n');
  }
  throw new Error('The configuration was accepted.');
}
