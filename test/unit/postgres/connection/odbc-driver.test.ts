import { bufferFor } from '../../../../src/postgres/connection/odbc-driver';

test('a buffer holds the longest value and room to grow, between half a megabyte and 64', () => {
  expect(bufferFor(0)).toBe(512 * 1024);
  expect(bufferFor(3_000_000)).toBe(3_750_000);
  expect(bufferFor(400_000_000)).toBe(64 * 1024 * 1024);
});
