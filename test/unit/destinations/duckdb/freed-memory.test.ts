/** DuckDB keeps no freed memory for each thread, and gives it back at once where the warehouse is a large file. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duckdb, duckdbBindings, giveFreedMemoryBack } from '../../../../src/destinations/duckdb/library';

const VARIABLE = 'DUCKDB_JE_MALLOC_CONF';
const before = process.env[VARIABLE];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgsluice-freed-'));
  delete process.env[VARIABLE];
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  if (before === undefined) delete process.env[VARIABLE];
  else process.env[VARIABLE] = before;
});

function fileOf(bytes: number): string {
  const file = join(folder, 'warehouse.db');
  writeFileSync(file, '');
  truncateSync(file, bytes);
  return file;
}

test.each([
  ['a large file', 100_000_000, 'tcache:false,dirty_decay_ms:0,muzzy_decay_ms:0'],
  ['a small file', 10_000_000, undefined],
])('%s', (_, bytes, options) => {
  giveFreedMemoryBack(fileOf(bytes));
  expect(process.env[VARIABLE]).toBe(options);
});

test.each(['none.db', 'file/none.db'])('no file: %s', (name) => {
  writeFileSync(join(folder, 'file'), '');
  giveFreedMemoryBack(join(folder, name));
  expect(process.env[VARIABLE]).toBeUndefined();
});

test('what the user has set stays', () => {
  process.env[VARIABLE] = 'narenas:1';
  giveFreedMemoryBack(fileOf(100_000_000));
  expect(process.env[VARIABLE]).toBe('narenas:1');
});

test.each([
  ['the API', duckdb],
  ['the bindings', duckdbBindings],
])('%s', (_, load) => {
  load();
  expect(process.env[VARIABLE]).toBe('tcache:false');
  giveFreedMemoryBack(fileOf(100_000_000));
  expect(process.env[VARIABLE]).toBe('tcache:false');
});
