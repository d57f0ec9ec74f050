import { ConnectorError } from '../../common/errors';
import { startServer } from '../../fivetran/server';
import { loadTransformationModule } from '../../engine/rules';
import type { Command } from '../command';
import { EXIT } from '../exit-codes';
import { resolve } from 'node:path';

/** Where Fivetran's clients look for a connector. */
const DEFAULT_PORT = 50_051;

/** Offers the connector over gRPC until a signal comes. */
export const serve: Command = async ({ settings, output, io, signal, switches }) => {
  const port = readPort(switches['port']);
  const transformations = await readTransformations(switches['transformations'], io.cwd);
  const server = await startServer(port, {
    service: { ...settings, transformations },
    cwd: io.cwd,
    write: (line) => void io.stdout.write(line),
    signal,
  });
  output.logger.info(`Listening on ${server.addresses.join(' and ')}`);
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

/** Loaded now, so that a mistake in it is known before the first request. */
async function readTransformations(text: string | undefined, cwd: string): Promise<string | undefined> {
  if (text === undefined) return undefined;
  const path = resolve(cwd, text);
  await loadTransformationModule(path);
  return path;
}
