/** What the charts of the page say at their edges, in a real browser: figures have units, and memory a scale of its own. */
import { renderPage } from '../../../src/observe/page';
import type { PageData } from '../../../src/observe/page-data';
import { describeInBrowser, openPage } from '../../helpers/browser';
import { createWatch } from '../../unit/observe/watch-samples';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'pgsluice-charts-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function dataWith(limitMegabytes: number): PageData {
  const time = Array.from({ length: 100 }, (_, index) => index * 2);
  const each = (value: number): number[] => time.map(() => value);
  return {
    ...createWatch().watch.data(),
    seconds: 200,
    series: {
      time,
      rowsPerSecond: each(250_000),
      megabytesPerSecond: each(80),
      rssMegabytes: each(300),
      memoryLimitMegabytes: each(limitMegabytes),
      cpuPercent: each(90),
      ownCpuPercent: each(40),
      batchRows: each(5000),
      readers: each(2),
      retries: each(0),
    },
  };
}

interface Drawn {
  /** Everything that is written on a canvas. */
  readonly texts: readonly string[];
  /** Headings of the charts, with their keys. */
  readonly headings: readonly string[];
}

async function draw(data: PageData): Promise<Drawn> {
  const path = join(folder, 'page.html');
  writeFileSync(path, renderPage(data).html);
  const open = await openPage(pathToFileURL(path).href);
  const { page, complaints } = open;
  try {
    await page.addInitScript(`
      window.drawn = [];
      const write = CanvasRenderingContext2D.prototype.fillText;
      CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
        window.drawn.push(String(text));
        return write.call(this, text, ...rest);
      };`);
    await page.reload();
    await page.waitForFunction('window.drawn.length > 30');
    const texts = await page.evaluate<string[]>('window.drawn');
    expect(complaints).toEqual([]);
    return { texts, headings: await page.locator('#charts h2').allTextContents() };
  } finally {
    await open.close();
  }
}

describeInBrowser('the charts', () => {
  it('say what their figures stand for', async () => {
    const { texts } = await draw(dataWith(16_000));
    expect(texts).toEqual(expect.arrayContaining(['rows/s', 'MB/s', 'MB', '%', 'rows', 'readers', 'retries']));
    expect(texts).toEqual(expect.arrayContaining(['0 s', '1 min', '2 min', '3 min']));
    // A reader is whole.
    expect(texts.filter((text) => text === '1.5' || text === '0.5')).toEqual([]);
  });

  it('draw memory on its own scale, and its limit as a line where it is near', async () => {
    const far = await draw(dataWith(16_000));
    expect(far.headings).toContain('Memorythis processlimit: 16,000 MB, far above');
    expect(far.texts).toContain('300');
    expect(far.texts.filter((text) => /^1\dk$/.test(text))).toEqual([]);
    const near = await draw(dataWith(512));
    expect(near.headings).toContain('Memorythis processlimit');
    expect(near.texts).toContain('400');
  });

  it('wait for the first figures, also where colours change meanwhile', async () => {
    const path = join(folder, 'live.html');
    writeFileSync(path, renderPage(undefined).html);
    const open = await openPage(pathToFileURL(path).href, { colorScheme: 'light' });
    try {
      await open.page.emulateMedia({ colorScheme: 'dark' });
      // A file has no server behind it.
      await open.page.waitForFunction(`document.getElementById('notice').textContent.startsWith('No answer')`);
      expect(open.complaints.filter((complaint) => complaint.includes('undefined'))).toEqual([]);
    } finally {
      await open.close();
    }
  });
});
