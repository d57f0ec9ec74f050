/** Posts the message of a hook to an address, and tries again where that may help. */
import { retryDelaySeconds, sleep } from '../../common/retry';
import type { HookContext, HookMessage } from './hook-message';

const ATTEMPTS = 4;
/** The limit of one attempt. */
const ATTEMPT_LIMIT_MS = 10_000;
/** Doubled at each, with jitter: 1, 2 and 4 s on average, since many hosts may fail at the same moment. */
const FIRST_DELAY_SECONDS = 1;

export interface WebhookLimits {
  readonly attempts: number;
  readonly limitMs: number;
  readonly delaySeconds: number;
}

/** Resolves with what went wrong, a sentence that shows no more of the address than its host. Never rejects. */
export async function postToWebhook(
  url: URL,
  message: HookMessage,
  { signal }: Pick<HookContext, 'signal'>,
  limits: WebhookLimits = { attempts: ATTEMPTS, limitMs: ATTEMPT_LIMIT_MS, delaySeconds: FIRST_DELAY_SECONDS },
): Promise<string | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await post(url, message, signal, limits.limitMs);
    if (outcome === undefined) return undefined;
    const last = !outcome.again || attempt >= limits.attempts || signal.aborted;
    if (last) return `${url.host} ${outcome.problem}, at attempt ${attempt} of ${limits.attempts}.`;
    await sleep(retryDelaySeconds(attempt - 1, limits.delaySeconds), signal).catch(() => undefined);
  }
}

interface Refused {
  readonly problem: string;
  readonly again: boolean;
}

async function post(
  url: URL,
  message: HookMessage,
  signal: AbortSignal,
  limitMs: number,
): Promise<Refused | undefined> {
  const limit = AbortSignal.timeout(limitMs);
  // fetch refuses an address that holds a login; the header says the same.
  const { username, password } = url;
  const address = new URL(url);
  address.username = address.password = '';
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  try {
    const response = await fetch(address, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': `pgsluice/${message.versions['pgsluice'] ?? ''}`,
        ...(username === '' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` }),
      },
      body: JSON.stringify(message),
      // Elsewhere, the address's token would reach somebody else.
      redirect: 'manual',
      signal: AbortSignal.any([signal, limit]),
    });
    await response.body?.cancel();
    const { status } = response;
    if (status >= 200 && status < 300) return undefined;
    const elsewhere = status >= 300 && status < 400 ? ' and wants to be asked elsewhere, which is not followed' : '';
    return { problem: `answered ${status}${elsewhere}`, again: status === 408 || status === 429 || status >= 500 };
  } catch (error) {
    if (signal.aborted) return { problem: 'was not told, since the process is ending', again: false };
    if (limit.aborted) return { problem: `did not answer within ${limitMs / 1000} s`, again: true };
    return { problem: `could not be reached (${reasonOf(error)})`, again: true };
  }
}

/** fetch says why in a cause, whose message might quote the address. */
function reasonOf(error: unknown): string {
  const { cause, name } = error as { readonly cause?: { readonly code?: string }; readonly name?: string };
  return cause?.code ?? name ?? 'unknown error';
}
