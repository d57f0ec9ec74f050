/** A hook that does not end: it holds the process up for its limit and no longer. The limits are short ones here. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HookMessage } from '../../../../src/app/hooks/hook-message';
import { runHookCommand } from '../../../../src/app/hooks/hook-command';
import { postToWebhook } from '../../../../src/app/hooks/webhook';
import { silent } from '../../../helpers/fivetran/service';

const MESSAGE = {
  versions: { pgsluice: '1' },
  result: 'failed',
  exitCode: 3,
  text: 'It failed.',
} as unknown as HookMessage;
const running = new AbortController();
const context = { logger: silent, signal: running.signal, env: process.env, secrets: ['hunter2'] };

describe('a command', () => {
  it('is ended at its limit, and what it said is quoted without secrets', async () => {
    // A shell has said it long before its limit, on the busiest machine.
    const words = ['sh', '-c', 'echo "$$ asks for hunter2"; exec sleep 3600'];
    const problem = await runHookCommand(words, MESSAGE, context, { limitMs: 3_000 });
    expect(problem).toMatch(/^the program "sh" did not end within 3 s, and was ended\. It said: \d+ asks for \*+$/);
    const pid = Number(/It said: (\d+)/.exec(problem ?? '')?.[1]);
    await gone(pid);
  });

  it('that fails is quoted to its last words, which may come after its end, and what is left behind is not waited for', async () => {
    const failing = async (left: string, lastWordsMs: number): Promise<string | undefined> =>
      await runHookCommand(['sh', '-c', `(${left}) & exit 9`], MESSAGE, context, { limitMs: 600_000, lastWordsMs });
    expect(await failing('sleep 0.3; echo late words', 600_000)).toBe(
      'the program "sh" ended with exit code 9. It said: late words',
    );
    expect(await failing('sleep 5', 50)).toBe('the program "sh" ended with exit code 9.');
  });

  it('is ended when the process ends', async () => {
    const ending = new AbortController();
    const script = `setInterval(() => undefined, 1000)`;
    const running = runHookCommand([process.execPath, '-e', script], MESSAGE, { ...context, signal: ending.signal });
    ending.abort();
    expect(await running).toBe('the program "node" was ended, since the process is ending.');
  });
});

describe('a webhook', () => {
  let server: Server;
  let asked = 0;
  beforeAll(async () => {
    server = createServer(() => (asked += 1));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = (): URL => new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/told?token=hunter2`);

  it('that takes the message and does not answer is asked again, then given up', async () => {
    const problem = await postToWebhook(url(), MESSAGE, context, { attempts: 2, limitMs: 3_000, delaySeconds: 0.01 });
    expect(problem).toBe(`${url().host} did not answer within 3 s, at attempt 2 of 2.`);
    expect(asked).toBe(2);
  });

  it('is not waited for when the process ends', async () => {
    const ending = new AbortController();
    const posted = postToWebhook(url(), MESSAGE, { signal: ending.signal });
    ending.abort();
    expect(await posted).toBe(`${url().host} was not told, since the process is ending, at attempt 1 of 4.`);
  });
});

/** Resolves when no process has this number any more. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((later) => setTimeout(later, 20));
  }
}
