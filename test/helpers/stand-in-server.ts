/** A server that speaks as much of PostgreSQL's protocol as a login and plain statements need, and is another product. */
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface StandIn {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface StandInOptions {
  /**
   * The one value that a statement returns, or the error with its SQLSTATE. It is not asked about the statements that
   * the driver sends at a login.
   */
  readonly answer: (sql: string) => string | { readonly state: string; readonly message: string };
  /** False: a request that it does not know is taken for the beginning of a longer one, and it waits. */
  readonly knowsGssenc?: boolean;
}

const SSL_REQUEST = 80_877_103;
const GSSENC_REQUEST = 80_877_104;

export async function startStandIn({ answer, knowsGssenc = true }: StandInOptions): Promise<StandIn> {
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    let begun = false;
    let pending = Buffer.alloc(0);
    socket.on('data', (data) => {
      pending = Buffer.concat([pending, data]);
      for (;;) {
        // The first messages have no letter before their length.
        const head = begun ? 1 : 0;
        if (pending.length < head + 4) return;
        const length = head + pending.readInt32BE(head);
        if (pending.length < length) return;
        const received = pending.subarray(0, length);
        const code = begun ? 0 : received.readInt32BE(4);
        if (code === GSSENC_REQUEST && !knowsGssenc) return;
        pending = pending.subarray(length);
        if (code === GSSENC_REQUEST || code === SSL_REQUEST) socket.write('N');
        else if (!begun) {
          begun = true;
          socket.write(Buffer.concat([...LOGGED_IN, READY]));
        } else if (received.toString('latin1', 0, 1) === 'Q') {
          const sql = received.toString('utf8', 5, length - 1);
          socket.write(Buffer.concat([...(loginReplies(sql) ?? [reply(answer(sql))]), READY]));
        } else socket.end();
      }
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}

function message(type: string, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

const READY = message('Z', 'I');
const LOGGED_IN = [
  message('R', int(0)),
  ...Object.entries({ server_version: '13.0', client_encoding: 'UTF8', standard_conforming_strings: 'on' }).map(
    ([name, value]) => message('S', `${name}\0${value}\0`),
  ),
  message('K', int(1), int(2)),
];

const TEXT_OID = 25;

function columns(...names: readonly string[]): Buffer {
  const described = names.map((name) =>
    Buffer.concat([
      Buffer.from(`${name}\0`),
      Buffer.concat([
        int(0),
        Buffer.from([0, 0]),
        int(TEXT_OID),
        Buffer.from([0xff, 0xff]),
        int(-1),
        Buffer.from([0, 0]),
      ]),
    ]),
  );
  return message('T', Buffer.from([0, names.length]), ...described);
}

function oneValue(name: string, value: string, tag: string): Buffer {
  const row = message('D', Buffer.from([0, 1]), int(Buffer.byteLength(value)), value);
  return Buffer.concat([columns(name), row, message('C', `${tag}\0`)]);
}

/** psqlODBC sets and shows some settings, and looks up the type of large objects. */
function loginReplies(sql: string): readonly Buffer[] | undefined {
  const statements = sql.split(';').map((statement) => statement.trim());
  if (/\bpg_type\b/.test(sql)) return [columns('oid', 'typbasetype'), message('C', 'SELECT 0\0')];
  if (!statements.every((statement) => /^(?:set|show) /i.test(statement))) return undefined;
  return statements.map((statement) =>
    /^set /i.test(statement) ? message('C', 'SET\0') : oneValue(statement.slice(5), 'read committed', 'SHOW'),
  );
}

function reply(answer: ReturnType<StandInOptions['answer']>): Buffer {
  if (typeof answer === 'string') return oneValue('product', answer, 'SELECT 1');
  return message('E', `SERROR\0VERROR\0C${answer.state}\0M${answer.message}\0\0`);
}
