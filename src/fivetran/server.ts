/** The service: where it listens, what it offers, how it ends. */
import { Server, ServerCredentials, type ServerOptions } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { ConnectorError } from '../common/errors';
import { createHandlers } from './handlers';
import { Requests, type ServiceOptions } from './request-context';
import { loadPackage, SERVICE_NAME, serviceOf, updateSerializer } from './service-definition';

export interface FivetranServer {
  readonly port: number;
  /** Where it listens, for the log. */
  readonly addresses: readonly string[];
  /** Ends running requests as the service's signal tells them, then the connections. May be called twice. */
  close(): Promise<void>;
}

const OPTIONS: ServerOptions = {
  // A state may have 10 MB, a selection of some ten thousand tables a few more.
  'grpc.max_receive_message_length': 32 * 1024 * 1024,
  // A client whose host has vanished without a word would hold its connections to PostgreSQL for ever.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 20_000,
};
/** Requests get this long to say good-bye. */
const DRAIN_MS = 3_000;

/** Listens on every address, IPv4 and IPv6; on IPv4 alone where the host has no IPv6. Port 0: any free one. */
export async function startServer(port: number, options: ServiceOptions): Promise<FivetranServer> {
  const definition = loadPackage();
  const requests = new Requests(options);
  const server = new Server(OPTIONS);
  server.addService(serviceOf(definition), createHandlers(requests, updateSerializer(definition)));
  const health = new HealthImplementation({ '': 'SERVING', [SERVICE_NAME]: 'SERVING' });
  health.addToServer(server);
  new ReflectionService(definition).addToServer(server);
  const bound = await listen(server, port);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    health.setStatus('', 'NOT_SERVING');
    health.setStatus(SERVICE_NAME, 'NOT_SERVING');
    const shutDown = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    await requests.settled();
    // A client that watches its health, or does not read, would keep the door open.
    await Promise.race([shutDown, new Promise((resolve) => setTimeout(resolve, DRAIN_MS).unref())]);
    server.forceShutdown();
  };
  return { ...bound, close: () => (closing ??= close()) };
}

async function listen(server: Server, port: number): Promise<Pick<FivetranServer, 'port' | 'addresses'>> {
  const failures: unknown[] = [];
  // A socket on [::] takes IPv4 as well wherever the kernel lets it; the second one is for where it does not.
  for (const address of ['[::]', '0.0.0.0']) {
    try {
      const bound = await bind(server, `${address}:${port}`);
      const addresses = address === '[::]' ? [`[::]:${bound}`, `0.0.0.0:${bound}`] : [`${address}:${bound}`];
      return { port: bound, addresses };
    } catch (error) {
      failures.push(error);
      if (/EADDRINUSE|EACCES/.test(String(error))) break;
    }
  }
  throw cannotListen(port, failures.map(String).join(' '));
}

async function bind(server: Server, address: string): Promise<number> {
  return await new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

function cannotListen(port: number, reason: string): ConnectorError {
  const [what, hint] = /EADDRINUSE/.test(reason)
    ? [`Port ${port} is taken by another program.`, 'End that program, or choose another port with --port.']
    : /EACCES/.test(reason)
      ? [`Port ${port} may not be opened by this user.`, 'Choose a port above 1023 with --port.']
      : [`Port ${port} cannot be opened: ${reason}.`, 'Choose another port with --port.'];
  return new ConnectorError(what, { code: 'port_unavailable', kind: 'configuration', hint });
}
