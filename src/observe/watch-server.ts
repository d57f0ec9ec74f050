/** Serves the page, the metrics and the health of a running sync over HTTP. */
import type { Registry } from 'prom-client';
import { healthAnswers, pageAnswer, serveAnswers, type HttpPlace, type HttpServer } from '../common/http-answers';
import { renderPage } from './page';
import type { PageData } from './page-data';

export interface WatchServerOptions extends HttpPlace {
  readonly registry: Registry;
  readonly data: () => PageData;
  /** The server was reached and its tables are known. */
  readonly ready: () => boolean;
}

export async function startWatchServer(options: WatchServerOptions): Promise<HttpServer> {
  const page = renderPage(undefined);
  return await serveAnswers(options, {
    '/': () => pageAnswer(page),
    '/data.json': () => ({ status: 200, type: 'application/json', body: JSON.stringify(options.data()) }),
    '/metrics': async () => ({
      status: 200,
      type: options.registry.contentType,
      body: await options.registry.metrics(),
    }),
    ...healthAnswers(() => (options.ready() ? undefined : 'the tables are not known yet')),
  });
}
