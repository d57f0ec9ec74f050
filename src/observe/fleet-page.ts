/** The page of a fleet. Its data are what `fleet status --json` prints, from `status.json` of the same server. */
import { asset, renderDocument, type Page } from './document';

export function renderFleetPage(version: string): Page {
  return renderDocument({
    title: 'pgsluice fleet',
    body: asset('fleet.html'),
    styles: [asset('page.css')],
    scripts: [asset('common.js'), asset('fleet.js')],
    footer: `pgsluice ${version}`,
    data: undefined,
  });
}
