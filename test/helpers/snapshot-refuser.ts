/** Acts as a pooler that balances load: it closes every connection that sends SET TRANSACTION SNAPSHOT. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface SnapshotRefuser {
  readonly host: string;
  readonly port: number;
  /** How often it has closed one. */
  readonly refusals: number;
  close(): Promise<void>;
}

export async function startSnapshotRefuser(target: { host: string; port: number }): Promise<SnapshotRefuser> {
  const sockets = new Set<Socket>();
  let refusals = 0;
  const listener = createServer((client) => {
    const server = connect({ host: target.host, port: target.port });
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(socket);
          client.destroy();
          server.destroy();
        });
    }
    server.pipe(client);
    client.on('data', (data) => {
      // A statement as short as this one comes in one piece.
      if (data.includes('SET TRANSACTION SNAPSHOT')) {
        refusals += 1;
        client.destroy();
      } else server.write(data);
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    get refusals() {
      return refusals;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}
