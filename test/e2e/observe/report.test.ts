import { pathToFileURL } from 'node:url';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describeInBrowser, expectReadable, openPage, WINDOWS, type OpenPage } from '../../helpers/browser';
import { runCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { createDemoDatabase } from '../../helpers/demo-database';
import type { TestDatabase } from '../../helpers/postgres';

// Markup, quotes, a line end and a terminal's escape: the name of a table may be any text.
const HOSTILE = '<img src=x onerror="document.title=1">&amp;\'"\n\u001b[31m';
const ROLE = `role_of_report`;
let database: TestDatabase;
let result: CliResult;
let report: string;

beforeAll(async () => {
  database = await createDemoDatabase(20_000);
  const { client } = database;
  const name = client.escapeIdentifier(HOSTILE);
  const role = `${ROLE}_${database.name}`;
  await client.query(`CREATE TABLE public.${name} (id int PRIMARY KEY); INSERT INTO public.${name} VALUES (1)`);
  await client.query('CREATE TABLE public.secrets (id int PRIMARY KEY)');
  await client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'report;only'`);
  await client.query(`GRANT USAGE ON SCHEMA public, archive TO ${role}`);
  await client.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public, archive TO ${role}`);
  await client.query(`REVOKE SELECT ON public.secrets FROM ${role}`);
  report = join(database.folder, 'reports', 'last.html');
  const configuration = writeConfiguration(database, { username: role, password: 'report;only' });
  result = await runCli(['sync', '--configuration', configuration, '--report', report]);
});

afterAll(async () => {
  const role = `${ROLE}_${database.name}`;
  await database.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await database.drop();
});

it('is written beside the usual end of a sync, for its owner only', () => {
  expect(result).toMatchObject({ code: 4, stderr: '' });
  expect(result.stdout).toContain(`Report written to ${report}`);
  expect(statSync(report).mode & 0o777).toBe(0o600);
});

it('holds neither the password nor anything from elsewhere', () => {
  const html = readFileSync(report, 'utf8');
  expect(html).not.toContain('report;only');
  expect(html).not.toMatch(/(?:src|href)=["']?(?:https?:)?\/\//i);
  expect(html.length).toBeLessThan(500_000);
});

describeInBrowser('the report in a browser', () => {
  let open: OpenPage;
  beforeAll(async () => {
    open = await openPage(pathToFileURL(report).href, { viewport: { width: 1280, height: 900 } });
    await open.page.waitForSelector('canvas');
  });
  afterAll(() => open.close());

  it('shows what happened, without a complaint and without a request', async () => {
    expect(open.complaints).toEqual([]);
    expect(open.requests).toEqual([pathToFileURL(report).href]);
    expect(await open.page.textContent('#state')).toBe('some tables failed');
    expect(await open.page.locator('canvas').count()).toBe(5);
    expect(await open.page.textContent('#failures')).toMatch(/public\.secrets: .*GRANT SELECT ON "public"\."secrets"/);
    expect(await open.page.locator('#timeline tr').count()).toBeGreaterThan(10);
    expect(await open.page.locator('#slowest tr').count()).toBe(10);
  });

  it('says all of it in tables too, which the keyboard reaches and scrolls', async () => {
    const { page } = open;
    const summaries = page.locator('summary');
    for (const summary of await summaries.all()) {
      await summary.focus();
      await page.keyboard.press('Enter');
    }
    expect(await page.locator('details[open]').count()).toBe(3);
    expect(await page.locator('#timeline-words tr').count()).toBe(await page.locator('#timeline tr').count());
    expect(await page.locator('#timeline-words tr', { hasText: 'public.orders' }).textContent()).toMatch(/\d s\d{2,}/);
    expect(await page.locator('#samples tr').count()).toBeGreaterThan(1);
    expect(await page.locator('#plan tr').count()).toBeGreaterThan(10);
    const regions = page.getByRole('region');
    expect(await regions.count()).toBe(4);
    for (const region of await regions.all()) {
      await region.focus();
      expect(await region.and(page.locator(':focus')).count()).toBe(1);
    }
  });

  it('shows a name of markup as the text it is', async () => {
    expect(await open.page.title()).toMatch(/^pgsluice: some tables failed/);
    expect(await open.page.locator('img').count()).toBe(0);
    expect(await open.page.textContent('#timeline')).toContain('<img src=x onerror=');
  });

  it('says in words what its charts and bars show', async () => {
    for (const label of await open.page.locator('[role=img]').evaluateAll(ariaLabels)) {
      expect(label).toMatch(/\w/);
    }
    expect(await open.page.getByRole('img', { name: /^Throughput\. rows\/s: last .*, most / }).count()).toBe(1);
    expect(await open.page.getByRole('img', { name: /read over connection \d+/ }).count()).toBeGreaterThan(5);
    expect(await open.page.locator('html').getAttribute('lang')).toBe('en');
    const headings = await open.page.locator('h1, h2').allTextContents();
    expect(headings.every((text) => text.trim() !== '')).toBe(true);
  });

  it.each(WINDOWS)('is readable on %s: nothing beyond the edge, contrast enough', async (_where, options) => {
    const other = await openPage(pathToFileURL(report).href, options);
    try {
      await other.page.waitForSelector('canvas');
      await expectReadable(other);
    } finally {
      await other.close();
    }
  });
});

/* What follows runs in the page. */

interface Styled {
  readonly textContent: string | null;
  getAttribute(name: string): string | null;
}

function ariaLabels(elements: readonly Styled[]): (string | null)[] {
  return elements.map((element) => element.getAttribute('aria-label'));
}
