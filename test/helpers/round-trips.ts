/** Stands between a client and a server, and counts round trips: how often the server answers what the client said. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TripCounter {
  readonly host: string;
  readonly port: number;
  /** The round trips of each connection since the last call, in no order. */
  take(): readonly number[];
  close(): Promise<void>;
}

export async function countRoundTrips(target: { readonly host: string; readonly port: number }): Promise<TripCounter> {
  const trips = new Map<Socket, number>();
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (client) => {
    const server = connect({ ...target, noDelay: true });
    let clientSpoke = false;
    client.on('data', () => (clientSpoke = true));
    server.on('data', () => {
      if (clientSpoke) trips.set(client, (trips.get(client) ?? 0) + 1);
      clientSpoke = false;
    });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => sockets.delete(from));
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    take: () => {
      const counts = [...trips.values()];
      trips.clear();
      return counts;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}
