/** The stream of one Update. Bytes go out in order, and the sender waits while the client does not read. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import { ConnectorError, interrupted } from '../common/errors';
import type { WireMessage } from './service-definition';

export type UpdateCall<Request> = ServerWritableStream<Request, WireMessage>;

/** The parts of a call that are used. */
interface Outlet {
  /** `written` is called when the message has left for the network, or can never leave. */
  write(message: WireMessage, written: () => void): boolean;
}

/**
 * Bytes of messages that may wait behind a full flow-control window. The stream's own limit counts sixteen messages of
 * any size; with rows of some megabytes that would be no limit.
 */
const MOST_WAITING_BYTES = 1_000_000;
/** A waiting writer goes on before everything has left, so that the network stays busy. */
const ENOUGH_WAITING_BYTES = 500_000;
/** The largest message that gRPC libraries let a client receive by default. */
const USUAL_LIMIT_BYTES = 4 * 1024 * 1024;

export class UpdateStream {
  private waitingBytes = 0;
  private largestBytes = 0;
  private readonly senders = new Set<() => void>();

  constructor(
    private readonly call: Outlet,
    /** Aborts when the client cancels or vanishes. */
    private readonly gone: AbortSignal,
  ) {}

  /**
   * Resolves when there is room for more. A client that reads slowly fills its flow-control window, then this
   * stream's buffer, and then the wait here holds back reading from PostgreSQL.
   */
  async send(message: WireMessage): Promise<void> {
    if (this.gone.aborted) throw clientGone();
    this.write(message);
    if (this.waitingBytes > MOST_WAITING_BYTES) await this.room();
  }

  /** Does not wait: for a message that must not wait for room in a full buffer. */
  sendNow(message: WireMessage): void {
    if (!this.gone.aborted) this.write(message);
  }

  /** A sentence about a client that has gone, where a message may have been too large for it. */
  whyGone(): string | undefined {
    if (this.largestBytes <= USUAL_LIMIT_BYTES) return undefined;
    const size = (this.largestBytes / 1_000_000).toFixed(1);
    return `A message of ${size} MB was sent to it, and a gRPC client takes ${USUAL_LIMIT_BYTES / 1_048_576} MiB unless told otherwise: let it receive messages of up to 128 MB.`;
  }

  private write(message: WireMessage): void {
    const { length } = message;
    this.largestBytes = Math.max(this.largestBytes, length);
    this.waitingBytes += length;
    this.call.write(message, () => {
      this.waitingBytes -= length;
      if (this.waitingBytes > ENOUGH_WAITING_BYTES) return;
      for (const resume of this.senders) resume();
    });
  }

  private async room(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const end = (finish: () => void): void => {
        this.senders.delete(onRoom);
        this.gone.removeEventListener('abort', onGone);
        finish();
      };
      const onRoom = (): void => end(resolve);
      const onGone = (): void => end(() => reject(clientGone()));
      this.senders.add(onRoom);
      this.gone.addEventListener('abort', onGone, { once: true });
    });
  }
}

function clientGone(): ConnectorError {
  return interrupted('The client has cancelled the Update or gone away.');
}
