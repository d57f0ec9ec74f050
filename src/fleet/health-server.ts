/** Says over HTTP whether a worker lives and takes jobs, and how the fleet stands. */
import { healthAnswers, serveAnswers, TEXT, type HttpPlace, type HttpServer } from '../common/http-answers';
import { renderMetrics } from './metrics';
import type { FleetStatus } from './status';

export interface HealthServerOptions extends HttpPlace {
  /** undefined: it takes jobs. Else why not. */
  readonly notReady: () => string | undefined;
  readonly status: () => Promise<FleetStatus>;
  /** For people, as text. */
  readonly render: (status: FleetStatus) => string;
}

export async function startHealthServer(options: HealthServerOptions): Promise<HttpServer> {
  return await serveAnswers(options, {
    ...healthAnswers(options.notReady),
    '/': async () => ({ status: 200, type: TEXT, body: options.render(await options.status()) }),
    '/status.json': async () => ({
      status: 200,
      type: 'application/json',
      body: JSON.stringify(await options.status()),
    }),
    '/metrics': async () => ({
      status: 200,
      type: 'text/plain; version=0.0.4; charset=utf-8',
      body: renderMetrics(await options.status()),
    }),
  });
}
