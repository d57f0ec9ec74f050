import { renderPage } from '../../../src/observe/page';
import { createMetrics } from '../../../src/observe/metrics';
import type { HttpServer } from '../../../src/common/http-answers';
import { startWatchServer } from '../../../src/observe/watch-server';
import { createWatch } from './watch-samples';
import { request } from 'node:http';

let server: HttpServer;
let ready = false;

async function start(host = '127.0.0.1', port = 0): Promise<HttpServer> {
  const { watch } = createWatch();
  const { registry } = createMetrics('1.2.3');
  return await startWatchServer({ host, port, registry, data: () => watch.data(), ready: () => ready });
}

/** Unlike fetch, it sends any Host header. */
async function ask(path: string, options: { method?: string; host?: string } = {}) {
  const { hostname, port } = new URL(server.url);
  const headers = { host: options.host ?? `${hostname}:${port}` };
  return await new Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }>(
    (resolve, reject) => {
      const sent = request({ host: hostname, port, path, method: options.method ?? 'GET', headers }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
      });
      sent.on('error', reject);
      sent.end();
    },
  );
}

beforeAll(async () => {
  server = await start();
});
afterAll(async () => {
  await server.close();
  await server.close();
});

describe('the port of a running sync', () => {
  it('is on the loopback address, wherever else this machine listens', () => {
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  });

  it('answers for health at once, and for readiness when the tables are known', async () => {
    expect(await ask('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
    expect(await ask('/readyz')).toMatchObject({ status: 503 });
    ready = true;
    expect(await ask('/readyz')).toMatchObject({ status: 200, body: 'ready\n' });
  });

  it('has the page, its data and the metrics, none of them to be cached', async () => {
    const page = await ask('/');
    expect(page).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(page.headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'sha256-.*frame-ancestors 'none'$/,
    );
    expect(JSON.parse((await ask('/data.json?x=1')).body)).toMatchObject({ state: 'starting', version: '1.2.3' });
    const metrics = await ask('/metrics');
    expect(metrics.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(metrics.body).toContain('pgsluice_sync_running 1');
    for (const answer of [page, metrics]) expect(answer.headers['cache-control']).toBe('no-store');
  });

  it.each(['/nothing', '/__proto__', '/constructor', '/../package.json'])('knows no page %s', async (path) => {
    expect((await ask(path)).status).toBe(404);
  });

  it('answers GET and HEAD only', async () => {
    expect(await ask('/healthz', { method: 'POST' })).toMatchObject({ status: 405 });
    expect(await ask('/healthz', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it('tells nothing to a page of elsewhere whose name leads here (DNS rebinding)', async () => {
    for (const host of ['evil.example', 'evil.example:9464', '127.0.0.1.evil.example', 'localhost.evil.example']) {
      const { status, body } = await ask('/data.json', { host });
      expect([host, status, body]).toEqual([host, 403, 'Ask for it by its address.\n']);
    }
    for (const host of ['localhost:9464', '127.0.0.1', '[::1]:9464']) {
      expect((await ask('/data.json', { host })).status).toBe(200);
    }
  });

  it('says which port is taken, and what to do', async () => {
    const port = Number(new URL(server.url).port);
    await expect(start('127.0.0.1', port)).rejects.toMatchObject({
      kind: 'configuration',
      message: `The metrics port 127.0.0.1:${port} cannot be opened (EADDRINUSE).`,
      hint: 'Another process has it; choose another --metrics-port.',
    });
  });
});

describe('the page as a document', () => {
  const hostile = '</script><script>alert(1)</script><!--\u2028';

  it('holds no markup that comes from data', () => {
    const { html } = renderPage({ ...createWatch({ source: hostile }).watch.data(), warnings: [hostile] });
    expect(html.match(/<script>/g)).toHaveLength(5);
    expect(html).not.toContain('alert(1)</script>');
    expect(html).not.toContain('\u2028');
    const data = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html)?.[1] ?? '';
    expect(JSON.parse(data)).toMatchObject({ source: hostile, warnings: [hostile] });
  });

  it('fetches nothing from elsewhere', () => {
    const { html } = renderPage(createWatch().watch.data());
    // Comments of libraries may name their home; nothing may load from it.
    expect(html).not.toMatch(/(?:src|href)=["']?(?:https?:)?\/\//i);
    expect(html).not.toMatch(/@import|url\((?!data:)/i);
    expect(html).toMatch(/connect-src 'none'/);
  });
});
