import type { HttpServer } from '../../../src/common/http-answers';
import { startHealthServer } from '../../../src/fleet/health-server';
import { renderFleetPage } from '../../../src/observe';
import { sampleStatus } from './sample-status';

let server: HttpServer;
let draining: string | undefined;
beforeAll(async () => {
  server = await startHealthServer({
    ...{ host: '127.0.0.1', port: 0, notReady: () => draining },
    status: () => Promise.resolve(sampleStatus()),
    views: { text: ({ queue }) => `queue ${queue}\n`, page: () => renderFleetPage('1.2.3') },
  });
});
afterAll(() => server.close());

const ask = (path: string, accept = '*/*'): Promise<Response> => fetch(`${server.url}${path}`, { headers: { accept } });

describe('the port of a worker', () => {
  it('gives a page to browsers, and text to clients that do not ask for a page', async () => {
    const page = await ask('', 'text/html,application/xhtml+xml,*/*;q=0.8');
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'sha256-.*connect-src 'self'.*frame-ancestors 'none'$/,
    );
    expect(await page.text()).toMatch(/<title>pgsluice fleet<\/title>[^]*<footer>pgsluice 1\.2\.3<\/footer>/);
    const text = await ask('');
    expect(text.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await text.text()).toBe('queue host=db.example.com dbname=lake password=***\n');
  });

  it('has the status as data', async () => {
    expect(await (await ask('status.json')).json()).toEqual(sampleStatus());
  });

  it('says that it takes jobs, and when it does not any more', async () => {
    expect([(await ask('healthz')).status, (await ask('readyz')).status]).toEqual([200, 200]);
    draining = 'the worker drains';
    expect((await ask('healthz')).status).toBe(200);
    const refused = await ask('readyz');
    expect([refused.status, await refused.text()]).toEqual([503, 'not ready: the worker drains\n']);
  });

  it('has sources, tables, queue, workers, lag and failures as metrics', async () => {
    const metrics = await (await ask('metrics')).text();
    for (const line of [
      'pgsluice_fleet_workers 1',
      'pgsluice_fleet_sources 4',
      'pgsluice_fleet_jobs_waiting{source="initech"} 2',
      'pgsluice_fleet_jobs_running{source="umbrella"} 1',
      'pgsluice_fleet_lag_seconds{source="globex"} 7300',
      'pgsluice_fleet_tables_read{source="acme"} 3',
      'pgsluice_fleet_tables_unchanged{source="acme"} 12',
      'pgsluice_fleet_rows{source="acme"} 123456',
      'pgsluice_fleet_failures{source="globex"} 2',
    ])
      expect(metrics.split('\n')).toContain(line);
    // Nothing is claimed of a source that was never synced.
    expect(metrics).not.toMatch(/(lag_seconds|tables_read)\{source="umbrella"\}/);
    expect(metrics.match(/^# TYPE \w+ gauge$/gm)).toHaveLength(metrics.match(/^# HELP /gm)?.length ?? 0);
  });
});
