import { setImmediate as turn } from 'node:timers/promises';
import { ConnectorError } from '../../../src/common/errors';
import { UpdateStream } from '../../../src/fivetran/update-stream';

/** A client that reads when it is told to. */
class SlowCall {
  readonly unread: { bytes: Buffer; written: () => void }[] = [];

  write(bytes: Buffer, written: () => void): boolean {
    this.unread.push({ bytes, written });
    return true;
  }

  get bytes(): number {
    return this.unread.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  read(): void {
    this.unread.shift()?.written();
  }
}

function open(): { call: SlowCall; stream: UpdateStream; gone: AbortController } {
  const call = new SlowCall();
  const gone = new AbortController();
  return { call, stream: new UpdateStream(call, gone.signal), gone };
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await turn();
  return settled;
}

it('takes small messages without waiting, and waits with about a megabyte unread', async () => {
  const { call, stream } = open();
  let waiting: Promise<void> | undefined;
  for (let count = 0; count < 100; count += 1) {
    waiting = stream.send(Buffer.alloc(30_000));
    if (!(await isSettled(waiting))) break;
  }
  expect(call.bytes).toBeGreaterThan(1_000_000);
  expect(call.bytes).toBeLessThan(1_100_000);
  while (call.bytes > 500_000) {
    expect(await isSettled(waiting ?? Promise.resolve())).toBe(false);
    call.read();
  }
  await waiting;
});

it('holds no more than one message that is larger than the limit', async () => {
  const { call, stream } = open();
  const waiting = stream.send(Buffer.alloc(5_000_000));
  expect(await isSettled(waiting)).toBe(false);
  call.read();
  await waiting;
});

it('lets a message that must not wait pass', async () => {
  const { call, stream } = open();
  const waiting = stream.send(Buffer.alloc(2_000_000));
  stream.sendNow(Buffer.alloc(10));
  expect(call.unread).toHaveLength(2);
  call.read();
  await waiting;
});

it('stops waiting when the client is gone, and takes nothing more', async () => {
  const { call, stream, gone } = open();
  const waiting = stream.send(Buffer.alloc(2_000_000));
  gone.abort();
  await expect(waiting).rejects.toMatchObject({ kind: 'interrupted' });
  await expect(stream.send(Buffer.alloc(1))).rejects.toBeInstanceOf(ConnectorError);
  stream.sendNow(Buffer.alloc(1));
  expect(call.unread).toHaveLength(1);
});
