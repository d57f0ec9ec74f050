/** A real Chromium, where there is one; see scripts/setup.sh. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { describeWhere } from './server-process';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** undefined where there is none: tests that need it are then skipped, with the reason printed. */
export function findBrowser(): string | undefined {
  return process.env['PGSLUICE_CHROMIUM'] ?? PLACES.find((path) => existsSync(path));
}

/** `describe` where there is a browser; else a suite that is skipped and says why. */
export function describeInBrowser(name: string, tests: () => void): void {
  describeWhere(findBrowser() === undefined ? 'Chromium (apt-get install chromium)' : undefined, name, tests);
}

export interface OpenPage {
  readonly page: Page;
  /** What the page complained about: errors, refused resources. */
  readonly complaints: readonly string[];
  /** Addresses that were asked for. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export async function openPage(url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const profile = mkdtempSync(join(tmpdir(), 'pgsluice-chromium-'));
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: findBrowser() ?? '',
    headless: true,
    // Playwright's own limits would end a test on a busy machine; jest's limit ends what hangs.
    timeout: 0,
    // Chromium has no sandbox as root; the other flags keep it from contacting its maker's hosts.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    ...options,
  });
  context.setDefaultTimeout(0);
  const page = context.pages()[0] ?? (await context.newPage());
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('request', (sent) => requests.push(sent.url()));
  await page.goto(url);
  return {
    page,
    complaints,
    requests,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Windows in which every page must be readable. */
export const WINDOWS: readonly (readonly [name: string, options: BrowserContextOptions])[] = [
  ['a phone', { viewport: { width: 360, height: 740 }, isMobile: true }],
  ['a phone in the dark', { viewport: { width: 360, height: 740 }, isMobile: true, colorScheme: 'dark' }],
  ['a wide screen in the dark', { viewport: { width: 1600, height: 900 }, colorScheme: 'dark' }],
];

/** Nothing is beyond the edge, contrasts are enough, and the browser has no complaint. */
export async function expectReadable({ page, complaints }: OpenPage): Promise<void> {
  expect(await page.evaluate(overflowing)).toEqual([]);
  expect(await page.evaluate(lowContrast)).toEqual([]);
  expect(await page.evaluate(faintGraphics)).toEqual([]);
  expect(complaints).toEqual([]);
}

/** As text, since the browser's own types are not among the product's. */
const overflowing = `(() => {
  const width = document.documentElement.clientWidth;
  return [...document.querySelectorAll('body *')]
    .filter((element) => !element.closest('.hidden, .scroll') && element.getBoundingClientRect().right > width + 1)
    .map((element) => element.tagName + ' ' + element.className);
})()`;

const LIGHT = `
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };`;

/** Colours of lines and bars that have less than 3 to 1 against the card under them (WCAG 2, 1.4.11). */
const faintGraphics = `(() => {${LIGHT}
  const probe = document.body.appendChild(document.createElement('i'));
  const shown = (name) => {
    probe.style.color = 'var(' + name + ')';
    return light(parse(getComputedStyle(probe).color));
  };
  const card = shown('--card');
  const faint = ['--one', '--two', '--wait', '--bad'].filter((name) => {
    const colour = shown(name);
    return (Math.max(colour, card) + 0.05) / (Math.min(colour, card) + 0.05) < 3;
  });
  probe.remove();
  return faint;
})()`;

/** Texts whose colour has less than 4.5 to 1 against the ground under them (WCAG 2, 1.4.3). */
const lowContrast = `(() => {${LIGHT}
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('h1, h2, dt, dd, th, td, li, p, summary, .key, .state')]
    .filter((element) => element.textContent.trim() !== '' && element.getClientRects().length > 0)
    .filter((element) => {
      const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
    })
    .map((element) => element.tagName + ' ' + element.textContent.slice(0, 30));
})()`;
