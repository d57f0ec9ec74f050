import { createContext, runInContext } from 'node:vm';

/** Far longer than the busiest machine needs: only work of minutes to hours is ended by it. */
const LIMIT_MS = 300_000;

/** The result of `action`; throws where it does not come to an end, which a test's own timeout cannot stop. */
export function finishes<T>(action: () => T): T {
  let result: { readonly value: T } | undefined;
  runInContext('action()', createContext({ action: () => void (result = { value: action() }) }), { timeout: LIMIT_MS });
  if (result === undefined) throw new Error('The action was not called.');
  return result.value;
}
