import { rmSync } from 'node:fs';

export default async function tearDown(): Promise<void> {
  await globalThis.pgsluiceTestServer?.close();
  globalThis.pgsluiceTestServer = undefined;
  if (globalThis.pgsluiceOdbcFolder !== undefined)
    rmSync(globalThis.pgsluiceOdbcFolder, { recursive: true, force: true });
}
