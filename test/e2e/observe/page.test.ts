import { describeInBrowser, openPage } from '../../helpers/browser';
import { startCli, writeConfiguration, type RunningCli } from '../../helpers/cli';
import { createDemoDatabase } from '../../helpers/demo-database';
import type { TestDatabase } from '../../helpers/postgres';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

let database: TestDatabase;
let running: RunningCli;
let url: string;

beforeAll(async () => {
  database = await createDemoDatabase(20_000);
  // Small batches make a long sync, to have time to look, and its last table is locked: it does not end by itself.
  const configuration = writeConfiguration(database, { custom_batch_size: '1', custom_threads: '1' });
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE public.order_items IN ACCESS EXCLUSIVE MODE');
  running = startCli(['sync', '--configuration', configuration, '--metrics-port', '0']);
  await running.waitFor(/Live page and metrics: \S+/);
  url = /Live page and metrics: (\S+)/.exec(running.output())?.[1] ?? '';
});

afterAll(async () => {
  running.kill('SIGTERM');
  await running.ended;
  await database.drop();
});

it('listens on the loopback address only, and on nothing without being asked', async () => {
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  const reached = await new Promise<boolean>((resolve) => {
    const socket = connect(Number(new URL(url).port), '::1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  expect(reached).toBe(false);
});

it('gives metrics and readiness while the sync runs', async () => {
  await running.waitFor(/Processing table/);
  expect((await fetch(`${url}readyz`)).status).toBe(200);
  const metrics = async (): Promise<string> => await (await fetch(`${url}metrics`)).text();
  await until(async () => /^pgsluice_rows_written_total\{table="public\.\w+"\} \d+/m.test(await metrics()));
  expect((await metrics()).includes(database.password)).toBe(false);
});

describeInBrowser('the live page in a browser', () => {
  it('follows the sync, can be paused, and says when it has ended', async () => {
    const open = await openPage(url);
    const { page, complaints, requests } = open;
    try {
      await page.waitForSelector('canvas');
      expect(await page.textContent('#state')).toBe('running');
      const rows = async (): Promise<number> => {
        const text = await page
          .locator('#figures div', { hasText: /^Rows\d/ })
          .locator('dd')
          .textContent();
        return Number((text ?? '').replaceAll(',', ''));
      };
      const first = await rows();
      await until(async () => (await rows()) > first);

      const pause = page.getByRole('button', { name: 'Pause' });
      await pause.click();
      await page.getByRole('button', { name: 'Go on', pressed: true }).waitFor();
      await page.waitForTimeout(1200);
      const held = await rows();
      await page.waitForTimeout(2500);
      expect(await rows()).toBe(held);
      await page.getByRole('button', { name: 'Go on' }).click();
      await until(async () => (await rows()) > held);

      running.kill('SIGTERM');
      expect((await running.ended).code).toBe(143);
      await page.getByText('No answer: the sync has ended').waitFor();
      // All requests go to this host only; the refused one at the end is the browser's complaint.
      expect(requests.every((address) => address.startsWith(url))).toBe(true);
      expect(complaints.filter((text) => !text.includes('ERR_CONNECTION_REFUSED'))).toEqual([]);
    } finally {
      await open.close();
    }
  });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(100);
}
