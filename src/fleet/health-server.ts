/** Says over HTTP whether a worker lives and takes jobs, and how the fleet stands. */
import { createServer, type ServerResponse } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { ConnectorError } from '../common/errors';
import { renderMetrics } from './metrics';
import type { FleetStatus } from './status';

export interface HealthServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** undefined: it takes jobs. Else why not. */
  readonly notReady: () => string | undefined;
  readonly status: () => Promise<FleetStatus>;
}

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const answers: Readonly<Record<string, () => Promise<readonly [status: number, type: string, body: string]>>> = {
    // An answer at all proves that the event loop turns.
    '/healthz': () => Promise.resolve([200, TEXT, 'ok\n']),
    '/readyz': () => {
      const reason = options.notReady();
      return Promise.resolve(reason === undefined ? [200, TEXT, 'ready\n'] : [503, TEXT, `not ready: ${reason}\n`]);
    },
    '/status.json': async () => [200, 'application/json', JSON.stringify(await options.status())],
    '/metrics': async () => [200, 'text/plain; version=0.0.4; charset=utf-8', renderMetrics(await options.status())],
  };
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').replace(/\?.*$/s, '');
    const found = Object.hasOwn(answers, path) ? answers[path] : undefined;
    if (found === undefined) {
      send(response, 404, TEXT, 'There is /healthz, /readyz, /metrics and /status.json.\n');
      return;
    }
    found().then(
      (answer) => send(response, ...answer),
      () => send(response, 500, TEXT, 'That failed.\n'),
    );
  });
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new ConnectorError(
          `Port ${options.port} of ${options.host} cannot be opened (${error.code ?? error.message}).`,
          {
            code: 'metrics_port',
            kind: 'configuration',
            hint: 'Choose another one with --metrics-port.',
          },
        ),
      ),
    );
    server.listen(options.port, options.host, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    url: `http://${isIP(address) === 6 ? `[${address}]` : address}:${port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const TEXT = 'text/plain; charset=utf-8';

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
