/**
 * Whether a server answers at all, asked without the ODBC driver.
 *
 * While the odbc package makes a connection, it holds a lock that every statement of every connection takes, some of
 * the time in the thread of JavaScript. A host that accepts a connection and then says nothing would so stop the
 * whole process, signals and other clients included, until the time for the login is over.
 */
import { connect } from 'node:net';

export interface ServerAddress {
  /** A name, an address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
}

/**
 * SSLRequest, which every server and pooler answers, with or without TLS; that nothing follows is not worth a line in
 * the server's log. https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/**
 * The address, where libpq would try just one. undefined: it is in a data source, or libpq's own default, or there are
 * several.
 */
export function serverAddress(host: string | undefined, port: number | undefined): ServerAddress | undefined {
  // "@" begins the name of an abstract socket.
  if (host === undefined || host === '' || host.startsWith('@') || host.includes(',')) return undefined;
  return { host, port: port ?? 5432 };
}

/**
 * True as soon as the server says anything, or there is an error, which the driver finds as fast and words better.
 * False after `limitMs` without either, or an abort.
 */
export async function answers({ host, port }: ServerAddress, limitMs: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted === true) return false;
  return await new Promise<boolean>((resolve) => {
    const socket = connect(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
    const finish = (answered: boolean): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
      socket.destroy();
      resolve(answered);
    };
    const giveUp = (): void => finish(false);
    const timer = setTimeout(giveUp, limitMs);
    signal?.addEventListener('abort', giveUp, { once: true });
    for (const event of ['data', 'error', 'close']) socket.on(event, () => finish(true));
    socket.write(SSL_REQUEST);
  });
}
