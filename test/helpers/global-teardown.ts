export default async function tearDown(): Promise<void> {
  await globalThis.pgsluiceTestServer?.close();
  globalThis.pgsluiceTestServer = undefined;
}
