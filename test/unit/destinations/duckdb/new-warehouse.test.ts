/** Makes a warehouse file beside files that an earlier process has left. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Warehouse } from '../../../../src/destinations/duckdb/warehouse';

it('is not disturbed by the half-made file of a killed process with the same id, and leaves none of its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgsluice-new-'));
  try {
    const path = join(folder, 'warehouse.db');
    const leftOver = `${path}.${process.pid}.new`;
    writeFileSync(leftOver, 'half a header');
    const warehouse = await Warehouse.open({ path, memoryBytes: 64_000_000, threads: 1 });
    await warehouse.close();
    expect(existsSync(path)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.endsWith('.new'))).toEqual([`warehouse.db.${process.pid}.new`]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
