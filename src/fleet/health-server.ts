/** Says over HTTP whether a worker lives and takes jobs, and how the fleet stands. */
import { healthAnswers, pageAnswer, serveAnswers, TEXT, type HttpPlace, type HttpServer } from '../common/http-answers';
import { renderMetrics } from './metrics';
import type { FleetStatus } from './status';

/** How a fleet is shown to people. */
export interface FleetViews {
  text(status: FleetStatus): string;
  /** A page that asks for `status.json` by itself. It is asked for once, and only where a port is opened. */
  page(): { readonly html: string; readonly contentSecurityPolicy: string };
}

export interface HealthServerOptions extends HttpPlace {
  /** undefined: it takes jobs. Else why not. */
  readonly notReady: () => string | undefined;
  readonly status: () => Promise<FleetStatus>;
  readonly views: FleetViews;
}

export async function startHealthServer({
  notReady,
  status,
  views,
  ...place
}: HealthServerOptions): Promise<HttpServer> {
  const page = pageAnswer(views.page());
  return await serveAnswers(place, {
    ...healthAnswers(notReady),
    // Browsers ask for HTML by name; curl and scripts take anything.
    '/': async ({ accept }) =>
      accept.includes('text/html') ? page : { status: 200, type: TEXT, body: views.text(await status()) },
    '/status.json': async () => ({ status: 200, type: 'application/json', body: JSON.stringify(await status()) }),
    '/metrics': async () => ({
      status: 200,
      type: 'text/plain; version=0.0.4; charset=utf-8',
      body: renderMetrics(await status()),
    }),
  });
}
