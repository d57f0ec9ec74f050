import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** How bytes pass: at once, not at all (without closing), or a piece at a time. */
type Flow = 'open' | 'stalled' | { readonly bytesPerSecond: number };

export interface TcpProxy {
  readonly host: string;
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Refuses new connections (they are reset) until accept(). */
  refuse(): void;
  accept(): void;
  /** Ends every open connection in an orderly way, as a server does that shuts down. */
  cut(): void;
  /** Ends every open connection with a reset, as a host does after a restart. */
  reset(): void;
  /**
   * Ends the server's side of every open connection without telling the client, as when a host loses its power. After a
   * while the client's side is reset, as by its kernel's keepalives: a login holds up all others until then.
   */
  halfClose(): void;
  /** Stops forwarding without closing anything, as a network that swallows packets. New connections hang too. */
  stall(): void;
  /** Stalls by itself when so many bytes more have come from the server, and resolves then. */
  stallAfter(bytes: number): Promise<void>;
  slow(bytesPerSecond: number): void;
  /** Forwards at full speed again; the bytes that were held back arrive. */
  resume(): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  abandoned: boolean;
}

interface Line {
  flow: Flow;
  /** Each moves what has arrived on one side of a connection. */
  readonly pumps: Set<() => void>;
  /** Told of the bytes that have come from a server. */
  received: (bytes: number) => void;
}

/** Stands between a client and a server, to break the connection in every way a network can. */
export async function startProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  const line: Line = { flow: 'open', pumps: new Set(), received: () => undefined };
  let refusing = false;

  const listener = createServer({ allowHalfOpen: true }, (client) => {
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...target, allowHalfOpen: true });
    const pair = { client, server, abandoned: false };
    pairs.add(pair);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setNoDelay(true);
      // An error is followed by 'close', which is passed on as the flow allows.
      from.on('error', () => undefined);
      from.on('close', () => {
        if (to.destroyed) pairs.delete(pair);
      });
      pump(line, [from, to], pair);
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));

  const change = (next: Flow): void => {
    line.flow = next;
    for (const step of [...line.pumps]) step();
  };
  const endAll = (end: (socket: Socket) => void): void => {
    for (const { client, server } of [...pairs]) {
      end(client);
      // The server must not go on working for a client that is gone.
      server.destroy();
    }
  };
  return {
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    get connections() {
      return [...pairs].filter(({ client }) => !client.destroyed).length;
    },
    refuse: () => void (refusing = true),
    accept: () => void (refusing = false),
    cut: () => endAll((socket) => socket.destroySoon()),
    reset: () => endAll((socket) => socket.resetAndDestroy()),
    halfClose: () => {
      for (const pair of pairs) {
        pair.abandoned = true;
        pair.server.destroy();
        setTimeout(() => pair.client.resetAndDestroy(), KEEPALIVE_MS).unref();
      }
    },
    stall: () => change('stalled'),
    stallAfter: (bytes) =>
      new Promise((resolve) => {
        let left = bytes;
        line.received = (more) => {
          left -= more;
          if (left > 0) return;
          line.received = () => undefined;
          line.flow = 'stalled';
          resolve();
        };
      }),
    slow: (bytesPerSecond) => change({ bytesPerSecond }),
    resume: () => change('open'),
    async close() {
      endAll((socket) => socket.destroy());
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}

/** Reads from one side and writes to the other as the present flow allows. */
function pump(line: Line, [from, to]: readonly [Socket, Socket], pair: Pair): void {
  const fromServer = from === pair.server;
  let timer: NodeJS.Timeout | undefined;
  const step = (): void => {
    clearTimeout(timer);
    if (pair.abandoned) return;
    const { flow } = line;
    if (flow === 'stalled' || to.destroyed || to.writableNeedDrain) return;
    if (from.readableEnded || from.destroyed) {
      to.end();
      return;
    }
    let data: Buffer | null;
    if (flow === 'open') data = from.read() as Buffer | null;
    else {
      const pieceBytes = Math.max(1, Math.round(flow.bytesPerSecond / SLOW_STEPS_PER_SECOND));
      data = from.read(Math.min(pieceBytes, from.readableLength)) as Buffer | null;
      timer = setTimeout(step, 1000 / SLOW_STEPS_PER_SECOND);
    }
    if (data === null) return;
    if (fromServer) line.received(data.length);
    if (to.write(data) && flow === 'open') setImmediate(step);
  };
  from.on('readable', step);
  from.on('end', step);
  from.on('close', step);
  to.on('drain', step);
  line.pumps.add(step);
  to.on('close', () => line.pumps.delete(step));
}

/** Sooner than by the keepalives of a real kernel (pgsluice asks for a minute). */
const KEEPALIVE_MS = 15_000;
// Small steps look like a slow line rather than like bursts.
const SLOW_STEPS_PER_SECOND = 20;
