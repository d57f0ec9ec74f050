/** The page on a worker's port, in a real browser. */
import type { HttpServer } from '../../../src/common/http-answers';
import type { FleetStatus } from '../../../src/fleet';
import { startHealthServer } from '../../../src/fleet/health-server';
import { renderFleetPage } from '../../../src/observe';
import { describeInBrowser, expectReadable, openPage, WINDOWS, type OpenPage } from '../../helpers/browser';
import { sampleStatus } from '../../unit/fleet/sample-status';

let server: HttpServer;
let status: FleetStatus;
beforeAll(async () => {
  server = await startHealthServer({
    ...{ host: '127.0.0.1', port: 0, notReady: () => undefined },
    status: () => Promise.resolve(status),
    views: { text: () => '', page: () => renderFleetPage('1.2.3') },
  });
});
beforeEach(() => (status = sampleStatus()));
afterAll(() => server.close());

async function shown(action: (open: OpenPage) => Promise<void>, ...options: Parameters<typeof openPage>[1][]) {
  const open = await openPage(server.url, options[0]);
  try {
    await open.page.waitForSelector('#workers tr');
    await action(open);
  } finally {
    await open.close();
  }
}

const OTHER_LINES = /\s+/g;

describeInBrowser('the page of a fleet', () => {
  it('shows sources, tables, queue, workers, lag and failures, and asks nobody else', async () => {
    await shown(async ({ page, complaints, requests }) => {
      expect(await page.textContent('#state')).toBe('1 source has failed');
      expect(await page.title()).toBe('pgsluice fleet: 1 source has failed');
      expect(await page.textContent('#sub')).toBe('queue in host=db.example.com dbname=lake password=***');
      expect(await page.locator('#figures div').allTextContents()).toEqual([
        'Sources4',
        'Sources that failed1',
        'Never synced whole1',
        'Longest lag2 h 2 min',
        'Workers alive1 of 2',
        'Jobs waiting2',
        'Jobs running1',
        'Tables read, last rounds9',
        'Tables unchanged36',
        'Rows, last rounds370,368',
      ]);
      // Those that need somebody come first.
      expect(await page.locator('#sources tr').allTextContents()).toEqual([
        'globex*/15 * * * *tenant2 h 2 minfailed312123,45600',
        'umbrellaon demandtenantnever synced––––01',
        'acme*/15 * * * *tenant1 min 35 ssucceeded312123,45600',
        'initech*/15 * * * *tenant1 min 35 ssucceeded312123,45620',
      ]);
      expect(await page.locator('#workers tr').allTextContents()).toEqual([
        'host-1:77alive2026-11-30 08:00:002026-11-30 10:02:00',
        'host-2:78gone2026-11-30 07:00:002026-11-30 09:00:00',
      ]);
      expect(await page.textContent('#refusals')).toBe('initech by host-1:77: password is missing');
      expect(await page.textContent('#maintenance')).toBe('2026-11-30 03:00:05 UTC: Rewrote the files of 3 tables.');
      expect(requests.every((address) => address.startsWith(server.url))).toBe(true);
      expect(complaints).toEqual([]);
    });
  });

  it('shows markup in an error as the text it is', async () => {
    await shown(async ({ page }) => {
      const failures = (await page.locator('#failures li').allTextContents()).map((text) =>
        text.replaceAll(OTHER_LINES, ' '),
      );
      expect(failures).toEqual([
        `globex, public.orders, 2026-11-30 10:01:00 UTC: <img src=x onerror="document.title=1">&amp;'" </script>`,
        'globex, planning, 2026-11-30 10:00:30 UTC (it is being tried again): The source is gone.',
      ]);
      expect(await page.locator('img').count()).toBe(0);
    });
  });

  it('follows the fleet, can be held, and says when its worker is gone', async () => {
    await shown(async ({ page }) => {
      status = sampleStatus({ failed: 0, waiting: 0, running: 0, sources: [] });
      await page.getByText('all is done').waitFor();
      await page.getByRole('button', { name: 'Pause' }).click();
      status = sampleStatus({ workers: [] });
      await page.waitForTimeout(6_000);
      expect(await page.textContent('#state')).toBe('all is done');
      await page.getByRole('button', { name: 'Go on', pressed: true }).click();
      await page.getByText('no worker is alive').waitFor();
      await page.route('**/status.json', (route) => route.abort());
      await page.getByText('No answer: this worker has ended').waitFor();
    });
  });

  it('shows the thousand sources that lag most, and says how many there are besides', async () => {
    const [one] = sampleStatus().sources;
    if (one === undefined) throw new Error('No source.');
    const sources = Array.from({ length: 1_200 }, (_, index) => ({ ...one, name: `s${index}`, lagSeconds: index }));
    status = sampleStatus({ sources });
    await shown(async ({ page }) => {
      expect(await page.locator('#sources tr').count()).toBe(1_000);
      expect(await page.locator('#sources tr').first().textContent()).toMatch(/^s1199/);
      expect(await page.textContent('#sources-left')).toMatch(/^200 more with less lag are not shown/);
    });
  });

  it.each(WINDOWS)('is readable on %s', async (_where, options) => {
    await shown(expectReadable, options);
  });
});
