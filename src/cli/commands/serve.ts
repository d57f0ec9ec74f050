import { ConnectorError } from '../../common/errors';
import { startServer } from '../../fivetran/server';
import type { Command } from '../command';
import { EXIT } from '../exit-codes';

/** Where Fivetran's clients look for a connector. */
const DEFAULT_PORT = 50_051;

/** Offers the connector over gRPC until a signal comes. */
export const serve: Command = async ({ settings, output, io, signal, switches }) => {
  const write = (line: string): void => void io.stdout.write(line);
  const server = await startServer(readPort(switches['port']), { service: settings, cwd: io.cwd, write, signal });
  output.logger.info(`Listening on ${server.addresses.join(' and ')}`);
  try {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
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
