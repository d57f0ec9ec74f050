import { lakeWriteError } from '../../../../src/destinations/ducklake/errors';

const FILE = 'ducklake-019a2f5e-5a0c-7b9e-8d7a-1f2e3d4c5b6a.parquet';
const DELETES = FILE.replace('.parquet', '-delete.parquet');

it.each([
  ['Transaction conflict - attempting to delete from table with index "7"', /^Another process has changed the same/],
  [
    'Failed to commit DuckLake transaction.\nExceeded the maximum retry count of 10 set by the ducklake_max_retry_count setting.',
    /^Too many others commit to the lake \/lake\/catalog\.ducklake at the same time\.$/,
  ],
])('a commit that was too late may be tried again: %s', (text, message) => {
  const error = new Error(
    `TransactionContext Error: Failed to commit: ${text}\nFailed to execute query "INSERT 'a value'"`,
  );
  const sentence = lakeWriteError(error, '/lake/catalog.ducklake');
  expect(sentence).toMatchObject({
    code: 'lake_conflict',
    retryable: true,
    message: expect.stringMatching(message) as string,
  });
  expect(sentence.describe()).not.toContain('a value');
});

describe('a file that is gone', () => {
  it.each([
    [
      'of a folder',
      `IO Error: Cannot open file "/lake's/data/tester/source_public_t/${FILE}": No such file or directory`,
      `/lake's/data/tester/source_public_t/${FILE} of table tester.source_public_t.`,
    ],
    [
      'with its deletions',
      `IO Error: Cannot open file "/lake/data/tester/source_public_t/${DELETES}": No such file or directory`,
      `/lake/data/tester/source_public_t/${DELETES} of table tester.source_public_t.`,
    ],
    [
      'of a load',
      `IO Error: Cannot open file "/lake/tester/_pgsluice_load_source_public_t/${FILE}": No such file or directory`,
      `/lake/tester/_pgsluice_load_source_public_t/${FILE} of table tester.source_public_t.`,
    ],
    [
      'of a part of a load',
      `IO Error: Cannot open file "/lake/tester/_pgsluice_load_0123456789ab_7_source_public_t/${FILE}": No such file or directory`,
      `/lake/tester/_pgsluice_load_0123456789ab_7_source_public_t/${FILE} of table tester.source_public_t.`,
    ],
    [
      'of a table whose folder does not have its name',
      `IO Error: Cannot open file "/lake/tester/019a2f5e-5a0c-7b9e-8d7a-1f2e3d4c5b6a/${FILE}": No such file or directory`,
      `/lake/tester/019a2f5e-5a0c-7b9e-8d7a-1f2e3d4c5b6a/${FILE}.`,
    ],
    [
      'of S3',
      `HTTP Error: HTTP GET error reading 's3://b/tester/source_public_t/${FILE}' in region 'eu' (HTTP 404 Not Found)`,
      `s3://b/tester/source_public_t/${FILE} of table tester.source_public_t.`,
    ],
  ])('%s is named, and concerns its table alone', (_where, text, named) => {
    expect(lakeWriteError(new Error(text), '/lake/catalog.ducklake')).toMatchObject({
      message: `A file of the lake is gone: ${named}`,
      code: 'lake_file_lost',
      kind: 'destination',
      ofTable: true,
      retryable: false,
    });
  });

  it.each([
    `Invalid Input Error: File '/lake/tester/t/${FILE}' too small to be a Parquet file`,
    `Invalid Input Error: No magic bytes found at end of file '/lake/tester/t/${FILE}'`,
  ])('is told from one that is damaged: %s', (text) => {
    expect(lakeWriteError(new Error(text), '/lake/catalog.ducklake')).toMatchObject({
      message: `A file of the lake is damaged: /lake/tester/t/${FILE} of table tester.t.`,
      code: 'lake_file_damaged',
      ofTable: true,
    });
  });

  it.each([
    ['lake_bucket_missing', `HTTP Error: GET 's3://b/tester/t/${FILE}' (HTTP 404 Not Found)\n\nNoSuchBucket`],
    [
      'lake_store_lost',
      'IO Error: Error while reading from network socket. CURLE code: 56. Failure when receiving data from the peer.',
    ],
    ['lake_store_lost', `HTTP Error: Request returned HTTP 404 for HTTP PUT to 's3://b/tester/t/${FILE}'`],
    [
      'lake_store_refused',
      `HTTP Error: HTTP GET error reading 's3://b/tester/t/${FILE}' in region '' (HTTP 403 Forbidden)`,
    ],
    ['lake_data_path', `IO Error: Cannot open file "/lake/tester/t/${FILE}": Permission denied`],
    ['warehouse_write', 'IO Error: Cannot open file "/tmp/duckdb_temp_block-1.block": No such file or directory'],
  ])('is not what %s means', (code, text) => {
    expect(lakeWriteError(new Error(text), '/lake/catalog.ducklake')).toMatchObject({ code, ofTable: false });
  });
});
