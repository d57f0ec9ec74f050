/** The stream of one Update: bytes go out in order, and whoever sends waits while the client has not read. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import { ConnectorError, interrupted } from '../common/errors';
import type { WireMessage } from './service-definition';

export type UpdateCall<Request> = ServerWritableStream<Request, WireMessage>;

/** What of a call is used. */
interface Outlet {
  write(message: WireMessage): boolean;
  once(event: 'drain', listener: () => void): unknown;
  off(event: 'drain', listener: () => void): unknown;
}

export class UpdateStream {
  private full = false;

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
    if (!this.call.write(message)) this.full = true;
    if (this.full) await this.drained();
  }

  /** Without waiting: for a message that must not stand behind a full buffer's wait. */
  sendNow(message: WireMessage): void {
    if (this.gone.aborted) return;
    if (!this.call.write(message)) this.full = true;
  }

  private async drained(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const end = (finish: () => void): void => {
        this.call.off('drain', onDrain);
        this.gone.removeEventListener('abort', onGone);
        finish();
      };
      const onDrain = (): void => {
        this.full = false;
        end(resolve);
      };
      const onGone = (): void => end(() => reject(clientGone()));
      this.call.once('drain', onDrain);
      this.gone.addEventListener('abort', onGone, { once: true });
    });
  }
}

function clientGone(): ConnectorError {
  return interrupted('The client has cancelled the Update or gone away.');
}
