import { ConnectorError } from '../../common/errors';
import { passfileProblem } from '../../config/passfile';
import { startServer } from '../../fivetran/server';
import { loadTransformationModule } from '../../engine/rules';
import type { TlsFiles } from '../../fivetran/tls-files';
import type { Command } from '../command';
import { EXIT } from '../exit-codes';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** The port at which Fivetran's clients expect a connector. */
const DEFAULT_PORT = 50_051;
/** Passwords arrive in each request, so by default no other host of the network can connect. */
const DEFAULT_HOST = '127.0.0.1';
const LOOPBACK = /^(127\.|\[::1\]:)/;

/** Serves the connector over gRPC until a signal comes. */
export const serve: Command = async ({ settings, output, io, signal, switches }) => {
  const port = readPort(switches['port']);
  const transformations = await readTransformations(switches['transformations'], io.cwd);
  const tls = readTls(switches, io.cwd);
  const host = switches['host'] ?? DEFAULT_HOST;
  const server = await startServer(
    { host, port, ...(tls === undefined ? {} : { tls }) },
    {
      service: { ...settings, transformations, passfile: readPassfile(switches['passfile'], io.cwd) },
      cwd: io.cwd,
      write: (line) => void io.stdout.write(line),
      signal,
    },
  );
  if (tls === undefined && !LOOPBACK.test(server.address)) {
    output.logger.warning(
      `Requests and the passwords in them travel unencrypted to ${server.address}; give --tls-cert and --tls-key, unless a proxy before it has TLS.`,
    );
  }
  output.logger.info(`Listening on ${server.address}${tls === undefined ? '' : ', with TLS'}`);
  try {
    if (!signal.aborted) await new Promise((stop) => signal.addEventListener('abort', stop, { once: true }));
  } finally {
    await server.close();
  }
  output.logger.info('Stopped.');
  return EXIT.ok;
};

function readPort(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= 65_535) return port;
  throw new ConnectorError(`--port must be a whole number from 0 to 65535, not "${text.slice(0, 20)}".`, {
    code: 'usage',
    kind: 'configuration',
  });
}

function readTls(switches: Readonly<Record<string, string>>, cwd: string): TlsFiles | undefined {
  const { 'tls-cert': certificate, 'tls-key': key, 'tls-client-ca': clientAuthority } = switches;
  if (certificate === undefined && key === undefined && clientAuthority === undefined) return undefined;
  if (certificate === undefined || key === undefined) {
    throw new ConnectorError('TLS needs both --tls-cert and --tls-key.', { code: 'usage', kind: 'configuration' });
  }
  return {
    certificate: resolve(cwd, certificate),
    key: resolve(cwd, key),
    ...(clientAuthority === undefined ? {} : { clientAuthority: resolve(cwd, clientAuthority) }),
  };
}

/** Known to be readable before the first request. */
function readPassfile(text: string | undefined, cwd: string): string | undefined {
  if (text === undefined) return undefined;
  const path = resolve(cwd, text);
  const problem = existsSync(path) ? passfileProblem(path) : `The password file ${path} does not exist.`;
  if (problem !== undefined) throw new ConnectorError(problem, { code: 'usage', kind: 'configuration' });
  return path;
}

/** Loaded now, so that a mistake in it is known before the first request. */
async function readTransformations(text: string | undefined, cwd: string): Promise<string | undefined> {
  if (text === undefined) return undefined;
  const path = resolve(cwd, text);
  await loadTransformationModule(path);
  return path;
}
