/**
 * Asks whether a server answers at all, without the ODBC driver.
 *
 * While the odbc package makes a connection, it holds a lock that every statement of every connection takes, partly in
 * the thread of JavaScript. A host that accepts a connection and then stays silent would block the whole process until
 * the login times out, signals and other clients included.
 */
import { lookup } from 'node:dns';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { ConnectorError } from '../../common/errors';

export interface ServerAddress {
  /** A name, an address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
}

/**
 * GSSENCRequest, which servers from 12 on answer with one byte, and so does PgBouncer. An end of the connection after
 * it leaves no line in the server's log; after an SSLRequest, it would where the server has TLS.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
const GSSENC_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30]);

/** A request that all servers of the protocol answer. Some do not know GSSENCRequest, and wait for more (PGlite). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const SECOND_REQUEST_AFTER_MS = 2_000;

/**
 * The address, where libpq would try no other host. undefined where it is in a data source or is libpq's own default,
 * or where there are several.
 */
export function serverAddress(host: string | undefined, port: number | undefined): ServerAddress | undefined {
  // "@" begins the name of an abstract socket.
  if (host === undefined || host === '' || host.startsWith('@') || host.includes(',')) return undefined;
  return { host, port: port ?? 5432 };
}

/**
 * True as soon as the server answers at one of its addresses. True as well when all of them give an error, since the
 * driver finds that as fast and reports it better. False after `limitMs` without either, or an abort. Rejects where there is no such host.
 */
export async function answers({ host, port }: ServerAddress, limitMs: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted === true) return false;
  return await new Promise<boolean>((resolve, reject) => {
    const asked = new Set<Socket>();
    let finished = false;
    const finish = (answered: boolean | ConnectorError): void => {
      finished = true;
      clearTimeout(timer);
      clearTimeout(second);
      signal?.removeEventListener('abort', giveUp);
      for (const socket of asked) socket.destroy();
      if (typeof answered === 'boolean') resolve(answered);
      else reject(answered);
    };
    const giveUp = (): void => finish(false);
    const timer = setTimeout(giveUp, limitMs);
    let second: NodeJS.Timeout | undefined;
    signal?.addEventListener('abort', giveUp, { once: true });
    const askAll = (places: readonly NetConnectOpts[]): void => {
      ask(places, GSSENC_REQUEST);
      // Each request takes a connection of its own, because the first one may still wait for an answer.
      second = setTimeout(() => {
        for (const socket of asked) socket.destroy();
        asked.clear();
        ask(places, SSL_REQUEST);
      }, SECOND_REQUEST_AFTER_MS);
    };
    const ask = (places: readonly NetConnectOpts[], request: Buffer): void => {
      for (const place of places) {
        const socket = connect(place);
        asked.add(socket);
        socket.on('error', () => undefined);
        socket.on('data', () => finish(true));
        socket.on('close', () => {
          if (asked.delete(socket) && asked.size === 0 && !finished) finish(true);
        });
        socket.write(request);
      }
    };
    if (host.startsWith('/')) {
      askAll([{ path: `${host}/.s.PGSQL.${port}` }]);
      return;
    }
    lookup(host, { all: true }, (error, addresses) => {
      if (finished) return;
      if (error !== null) {
        finish(error.code === 'ENOTFOUND' && !seenHosts.has(host) ? noSuchHost(host) : true);
        return;
      }
      seenHosts.add(host);
      askAll(addresses.map(({ address }) => ({ host: address, port })));
    });
  });
}

/**
 * A name that was known a moment ago comes back: it is changing servers (a fail-over), and another attempt is
 * worthwhile.
 */
const seenHosts = new Set<string>();

/** The name servers answered that they know no such name. Where they could not be asked (EAI_AGAIN), it may pass. */
function noSuchHost(host: string): ConnectorError {
  return new ConnectorError(`The name "${host}" cannot be resolved: there is no such host (while connecting).`, {
    code: 'host_unknown',
    kind: 'connection',
    sqlState: '08001',
    hint: 'Check "host" and the name servers of this machine.',
  });
}
