/** Files that DuckDB refuses because another version of it has written them: the sentence names that version. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance, version } from '@duckdb/node-api';
import { Warehouse } from '../../../../src/destinations/duckdb/warehouse';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pgsluice-versions-'));
  path = join(folder, 'warehouse.db');
  (await DuckDBInstance.create(path)).closeSync();
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The file begins with three headers of this size: one of the file, and two of its content, of which one counts. */
const HEADER_BYTES = 4096;
const CHECKSUM_BYTES = 8;
const VERSION_OFFSET = 12;
const WRITER_OFFSET = 52;
const WRITER_BYTES = 32;
/** In a header of the content: what a reader of it must know. */
const CONTENT_VERSION_OFFSET = 56;

/** The checksum of a header, as DuckDB 1.5 computes it. */
function checksum(header: Buffer): bigint {
  let sum = 5381n;
  for (let at = CHECKSUM_BYTES; at < header.length; at += 8)
    sum ^= BigInt.asUintN(64, header.readBigUInt64LE(at) * 0xbf58476d1ce4e5b9n);
  return sum;
}

function changeHeader(file: Buffer, index: number, change: (header: Buffer) => void): void {
  const header = file.subarray(index * HEADER_BYTES, (index + 1) * HEADER_BYTES);
  expect(header.readBigUInt64LE(0)).toBe(checksum(header));
  change(header);
  header.writeBigUInt64LE(checksum(header), 0);
}

/** Makes the file say that another DuckDB has written it. */
function declare(writer: string, fileVersion: number, contentVersion?: number): void {
  const file = readFileSync(path);
  changeHeader(file, 0, (header) => {
    header.writeBigUInt64LE(BigInt(fileVersion), VERSION_OFFSET);
    header.fill(0, WRITER_OFFSET, WRITER_OFFSET + WRITER_BYTES);
    header.write(writer, WRITER_OFFSET, 'latin1');
  });
  for (const index of contentVersion === undefined ? [] : [1, 2])
    changeHeader(file, index, (header) => {
      header.writeBigUInt64LE(BigInt(contentVersion ?? 0), CONTENT_VERSION_OFFSET);
    });
  writeFileSync(path, file);
}

const open = (): Promise<Warehouse> => Warehouse.open({ path, memoryBytes: 64_000_000, threads: 1 });

test.each([
  ['created by DuckDB 2', 'v2.0.1', 999, 69, 'v2.0.1'],
  ['of this version, taken to the newest storage version by DuckDB 2', 'v2.0.1', 65, 69, 'v2.0.1'],
  ['of a version that is not known yet', 'v7.0.0-rc1', 1234, undefined, 'v7.0.0-rc1'],
  ['that does not say who wrote it', '', 1234, undefined, 'of a newer version'],
  ['with something else in place of a version', '\u001b[31m', 1234, undefined, 'of a newer version'],
])('a file %s', async (_what, writer, fileVersion, contentVersion, named) => {
  declare(writer, fileVersion, contentVersion);
  const before = readFileSync(path);
  await expect(open()).rejects.toMatchObject({
    code: 'warehouse_version',
    kind: 'destination',
    message: `The warehouse ${path} was written by DuckDB ${named}, in a form that DuckDB ${version()}, which is in use here, cannot read.`,
    hint: expect.stringMatching(/"warehouse_path".*STORAGE_VERSION/) as unknown,
  });
  expect(readFileSync(path).equals(before)).toBe(true);
});

test('a file that is too old', async () => {
  declare('', 51);
  await expect(open()).rejects.toMatchObject({
    code: 'warehouse_version',
    message: `The warehouse ${path} was made by DuckDB v0.8.0 or v0.8.1; DuckDB ${version()}, which is in use here, no longer reads it.`,
  });
});
