/** Checks name and port without the driver, whose own message would be the same for both. */
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import type { Settings } from '../../config/settings';
import { noConnection, ok, type Finding } from './finding';

const TIMEOUT_MS = 5000;

export async function checkNetwork(settings: Settings): Promise<readonly Finding[]> {
  const { host, port } = settings;
  if (host === undefined || port === undefined) {
    return [ok('network', `Named by the data source ${settings.dsn ?? ''}; looked at with the login.`)];
  }
  if (host.startsWith('/')) return [await reach(`${host}/.s.PGSQL.${port}`, undefined, 'socket')];
  let addresses: readonly string[];
  try {
    addresses = (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    return [
      noConnection(
        'network',
        `The name ${host} cannot be resolved (${codeOf(error)}).`,
        'Check "host" and the name servers of this machine.',
      ),
    ];
  }
  const findings: Finding[] = [];
  for (const address of addresses) {
    const found = await reach(address, port, address === host ? address : `${host} (${address})`);
    if (found.status === 'ok') return [found];
    findings.push(found);
  }
  return findings;
}

async function reach(target: string, port: number | undefined, name: string): Promise<Finding> {
  const started = performance.now();
  const failed = await new Promise<string | undefined>((resolve) => {
    const socket = port === undefined ? connect(target) : connect(port, target);
    const end = (reason?: string): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(TIMEOUT_MS, () => end('no answer'));
    socket.once('connect', () => end());
    socket.once('error', (error) => end(codeOf(error)));
  });
  const where = port === undefined ? target : `${name} port ${port}`;
  if (failed === undefined) return ok('network', `${where} answers in ${(performance.now() - started).toFixed(1)} ms`);
  const advice =
    failed === 'ECONNREFUSED'
      ? 'Check "port", and that the server runs and listens on that address (listen_addresses).'
      : 'Check "host" and "port", firewalls and security groups between here and the server.';
  return noConnection('network', `${where} cannot be reached (${failed}).`, advice);
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
