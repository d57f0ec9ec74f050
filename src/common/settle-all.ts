/**
 * Like Promise.all, but settles only when all promises have settled. A rejected Promise.all leaves the others running,
 * and cleanup would then close what they still use. Rejects with the first error in the order given.
 */
export async function settleAll<T extends readonly unknown[] | []>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
