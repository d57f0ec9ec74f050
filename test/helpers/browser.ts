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
