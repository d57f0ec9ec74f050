/** The page of a sync, live or as a report. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asset, renderDocument, type Page } from './document';
import type { PageData } from './page-data';

/** With data the page is finished, for a file. Without data it asks for `data.json` every second. */
export function renderPage(data: PageData | undefined): Page {
  const chartFolder = dirname(require.resolve('uplot/package.json'));
  return renderDocument({
    title: 'pgsluice',
    body: asset('page.html'),
    styles: [readFileSync(join(chartFolder, 'dist', 'uPlot.min.css'), 'utf8'), asset('page.css'), asset('sync.css')],
    scripts: [
      readFileSync(join(chartFolder, 'dist', 'uPlot.iife.min.js'), 'utf8'),
      ...['common.js', 'charts.js', 'timeline.js', 'page.js'].map(asset),
    ],
    footer: `pgsluice${data === undefined ? '' : ` ${data.version}`}; charts by uPlot (MIT)`,
    data,
  });
}
