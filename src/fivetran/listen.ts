/** Opens the port of the service at one address. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { logVerbosity, setLogVerbosity, type Server, type ServerCredentials } from '@grpc/grpc-js';
import { ConnectorError } from '../common/errors';

export interface Bound {
  readonly port: number;
  /** `127.0.0.1:50051`, `[::1]:50051` */
  readonly address: string;
}

/** `host` is an address, or a name, of which the first address is used. Port 0: any free one. */
export async function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  credentials: ServerCredentials,
): Promise<Bound> {
  const address = await resolveAddress(host);
  const text = isIP(address) === 6 ? `[${address}]` : address;
  // The package also writes to standard error what it throws here, unless its log was requested.
  const quiet = process.env['GRPC_VERBOSITY'] === undefined && process.env['GRPC_NODE_VERBOSITY'] === undefined;
  if (quiet) setLogVerbosity(logVerbosity.NONE);
  try {
    const bound = await bind(server, `${text}:${port}`, credentials);
    return { port: bound, address: `${text}:${bound}` };
  } catch (error) {
    throw cannotListen(host, port, error);
  } finally {
    if (quiet) setLogVerbosity(logVerbosity.ERROR);
  }
}

async function resolveAddress(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    if (host === '') throw new Error('An empty name.');
    return (await lookup(host)).address;
  } catch (error) {
    throw new ConnectorError(`The address "${host}" of --host cannot be found.`, {
      code: 'port_unavailable',
      kind: 'configuration',
      hint: 'Give an address of this host, or 0.0.0.0 for all.',
      cause: error,
    });
  }
}

async function bind(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return await new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

function cannotListen(host: string, port: number, cause: unknown): ConnectorError {
  const reason = String(cause);
  const [what, hint] = /EADDRINUSE/.test(reason)
    ? [`Port ${port} is taken by another program.`, 'End that program, or choose another port with --port.']
    : /EACCES/.test(reason)
      ? [`Port ${port} may not be opened by this user.`, 'Choose a port above 1023 with --port.']
      : /EADDRNOTAVAIL|EAFNOSUPPORT|EINVAL/.test(reason)
        ? [`${host} is no address of this host.`, 'Give one that it has with --host, or 0.0.0.0 for all.']
        : [`Port ${port} cannot be opened at ${host}: ${reason}.`, 'Choose others with --host and --port.'];
  return new ConnectorError(what, { code: 'port_unavailable', kind: 'configuration', hint, cause });
}
