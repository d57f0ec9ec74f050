/**
 * As Promise.all, but settled only when all of them are: a rejected Promise.all leaves the others running, and whoever
 * then closes what they use pulls it from under them. Rejects with the error of the first, in their order.
 */
export async function settleAll<T extends readonly unknown[] | []>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
