/** An HTTP server before an object store that answers writes itself, as a store in trouble does; all else passes. */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StoreTrouble {
  readonly status: number;
  /** S3's name of the error. */
  readonly code: string;
  /** So many writes pass before. */
  readonly after: number;
}

export interface TroubledStore {
  readonly endpoint: string;
  /** How many writes were answered with the trouble. */
  readonly refused: number;
  /** undefined: it is well again. */
  set(trouble: StoreTrouble | undefined): void;
  close(): Promise<void>;
}

/** `store`: its address, such as `127.0.0.1:4568`. */
export async function startTroubledStore(store: string): Promise<TroubledStore> {
  const [host = '', port] = store.split(':');
  let trouble: StoreTrouble | undefined;
  let writes = 0;
  let refused = 0;
  const server = createServer((asked, answer) => {
    const isWrite = asked.method === 'PUT' || asked.method === 'POST';
    if (isWrite) writes += 1;
    if (trouble !== undefined && isWrite && writes > trouble.after) {
      refused += 1;
      refuse(asked, answer, trouble);
    } else forward(asked, answer, { host, port: Number(port) });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get refused() {
      return refused;
    },
    set(next) {
      trouble = next;
      writes = 0;
      refused = 0;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function refuse(asked: IncomingMessage, answer: ServerResponse, { status, code }: StoreTrouble): void {
  asked.resume().on('end', () => {
    answer.writeHead(status, { 'content-type': 'application/xml' });
    answer.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>It is.</Message></Error>`);
  });
}

/** The Host header stays as it is, since it is part of the signature. */
function forward(
  { method, url, headers }: IncomingMessage,
  answer: ServerResponse,
  { host, port }: { readonly host: string; readonly port: number },
): void {
  const passed = request({ host, port, method, path: url, headers }, (found) => {
    answer.writeHead(found.statusCode ?? 502, found.headers);
    found.pipe(answer);
  });
  passed.on('error', () => answer.destroy());
  answer.req.pipe(passed);
}
