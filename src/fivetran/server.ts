/**
 * The gRPC service of the platform: where it listens, what it offers, how it ends.
 *
 * This room translates between the platform and app: requests become settings (`request-settings`), a sync's rows become
 * records (`stream-destination`, a `Destination` that sends), and states become JSON. Only cli comes in (`pgsluice serve`).
 * Start at `handlers` for the four methods, and at `update` for a sync.
 */
import { Server, ServerCredentials, type ServerOptions } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { createHandlers } from './handlers';
import { listen } from './listen';
import { Requests, type ServiceOptions } from './request-context';
import { loadPackage, SERVICE_NAME, serviceOf, updateSerializer } from './service-definition';
import { readCredentials, type TlsFiles } from './tls-files';

export interface Listening {
  /** An address of this host, or a name of it. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Without them, requests are not encrypted, and neither are their passwords. */
  readonly tls?: TlsFiles;
}

export interface FivetranServer {
  readonly port: number;
  /** With the port, in the form that a client uses. */
  readonly address: string;
  /** Ends running requests by the service's signal, then the connections. May be called twice. */
  close(): Promise<void>;
}

const OPTIONS: ServerOptions = {
  // A state may have 10 MB, a selection of some ten thousand tables a few more.
  'grpc.max_receive_message_length': 32 * 1024 * 1024,
  // A client whose host vanished silently would hold its connections to PostgreSQL for ever.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 20_000,
};
/** Requests get this long to end by themselves. */
const DRAIN_MS = 3_000;

export async function startServer(at: Listening, options: ServiceOptions): Promise<FivetranServer> {
  const credentials = at.tls === undefined ? ServerCredentials.createInsecure() : readCredentials(at.tls);
  const definition = loadPackage();
  const requests = new Requests(options);
  const server = new Server(OPTIONS);
  server.addService(serviceOf(definition), createHandlers(requests, updateSerializer(definition)));
  const health = new HealthImplementation({ '': 'SERVING', [SERVICE_NAME]: 'SERVING' });
  health.addToServer(server);
  new ReflectionService(definition).addToServer(server);
  const bound = await listen(server, at, credentials);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    health.setStatus('', 'NOT_SERVING');
    health.setStatus(SERVICE_NAME, 'NOT_SERVING');
    const shutDown = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    await requests.settled();
    // A client that watches the health, or does not read, would keep the server open.
    await Promise.race([shutDown, new Promise((resolve) => setTimeout(resolve, DRAIN_MS).unref())]);
    server.forceShutdown();
  };
  return { ...bound, close: () => (closing ??= close()) };
}
