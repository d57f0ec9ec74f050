/** A small HTTP server for pages, metrics and health: it answers GET, and knows only the paths that it is given. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { ConnectorError } from './errors';

export interface HttpPlace {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Says what was asked for beside the path. */
export interface HttpQuestion {
  /** The client's Accept header. */
  readonly accept: string;
}

/** By path. */
export type HttpAnswers = Readonly<Record<string, (question: HttpQuestion) => HttpAnswer | Promise<HttpAnswer>>>;

export interface HttpServer {
  /** `http://127.0.0.1:9464/` */
  readonly url: string;
  /** May be called twice. */
  close(): Promise<void>;
}

export const TEXT = 'text/plain; charset=utf-8';

/** A page, with the policy that its browser must hold. */
export function pageAnswer(page: { readonly html: string; readonly contentSecurityPolicy: string }): HttpAnswer {
  return {
    status: 200,
    type: 'text/html; charset=utf-8',
    body: page.html,
    headers: { 'content-security-policy': page.contentSecurityPolicy },
  };
}

/** An answer at all proves that the event loop turns. `notReady`: undefined, or why it is not ready. */
export function healthAnswers(notReady: () => string | undefined): HttpAnswers {
  return {
    '/healthz': () => ({ status: 200, type: TEXT, body: 'ok\n' }),
    '/readyz': () => {
      const reason = notReady();
      return reason === undefined
        ? { status: 200, type: TEXT, body: 'ready\n' }
        : { status: 503, type: TEXT, body: `not ready: ${reason}\n` };
    },
  };
}

export async function serveAnswers(place: HttpPlace, answers: HttpAnswers): Promise<HttpServer> {
  const server = createServer((request, response) => {
    void answer(request, response, answers, place.host);
  });
  // A client that stops halfway must not hold a connection.
  server.requestTimeout = 10_000;
  server.headersTimeout = 10_000;
  await listen(server, place);
  // The server must not keep the process alive.
  server.unref();
  const { address, port } = server.address() as AddressInfo;
  return {
    url: `http://${isIP(address) === 6 ? `[${address}]` : address}:${port}/`,
    close: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  answers: HttpAnswers,
  host: string,
): Promise<void> {
  const send = ({ status, type, body, headers }: HttpAnswer): void => {
    response.writeHead(status, {
      'content-type': type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      ...headers,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      send({ status: 405, type: TEXT, body: 'Only GET.\n', headers: { allow: 'GET, HEAD' } });
      return;
    }
    if (!isExpectedHost(request.headers.host, host)) {
      send({ status: 403, type: TEXT, body: 'Ask for it by its address.\n' });
      return;
    }
    const path = (request.url ?? '/').replace(/\?.*$/s, '');
    const found = Object.hasOwn(answers, path) ? answers[path] : undefined;
    const question = { accept: request.headers.accept ?? '' };
    send(found === undefined ? { status: 404, type: TEXT, body: 'There is no such page.\n' } : await found(question));
  } catch {
    if (!response.headersSent) send({ status: 500, type: TEXT, body: 'That failed.\n' });
  }
}

/**
 * On a loopback address only loopback names are answered. A web page from elsewhere can make a browser of this machine
 * ask under its own name (DNS rebinding), and must get nothing.
 */
function isExpectedHost(header: string | undefined, listening: string): boolean {
  if (!/^(127\.|localhost$|::1$)/.test(listening)) return true;
  const name = (header ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return /^(127(\.\d{1,3}){3}|localhost|::1)$/i.test(name);
}

async function listen(server: Server, { host, port }: HttpPlace): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        new ConnectorError(`The metrics port ${host}:${port} cannot be opened (${error.code ?? 'unknown error'}).`, {
          code: 'metrics_port',
          kind: 'configuration',
          hint: taken
            ? 'Another process has it; choose another --metrics-port.'
            : 'Check --metrics-port and --metrics-host.',
          cause: error,
        }),
      );
    });
    server.listen(port, host, () => resolve());
  });
}
