/** A page as one document. It fetches nothing from elsewhere, and no text of a database becomes markup. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Page {
  readonly html: string;
  /** The policy for the header of a served page; the document carries the same one as a meta element. */
  readonly contentSecurityPolicy: string;
}

export interface DocumentParts {
  readonly title: string;
  /** Markup of our own. */
  readonly body: string;
  /** CSS and JavaScript, in their order. */
  readonly styles: readonly string[];
  readonly scripts: readonly string[];
  /** Plain text. */
  readonly footer: string;
  /** undefined: the page is served, and asks the server for its data. */
  readonly data: object | undefined;
}

export function renderDocument({ title, body, styles, scripts, footer, data }: DocumentParts): Page {
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.map(hash).join(' ')}`,
    `style-src ${styles.map(hash).join(' ')}`,
    `connect-src ${data === undefined ? "'self'" : "'none'"}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const html = [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    // Without an icon of its own, a browser would ask for one.
    '<link rel="icon" href="data:,">',
    `<title>${escapeText(title)}</title>`,
    ...styles.map((style) => `<style>${style}</style>`),
    '</head>',
    '<body>',
    body,
    `<footer>${escapeText(footer)}</footer>`,
    `<script type="application/json" id="data">${data === undefined ? '' : jsonForScript(data)}</script>`,
    ...scripts.map((script) => `<script>${script}</script>`),
    '</body>',
    '</html>',
    '',
  ].join('\n');
  return { html, contentSecurityPolicy: `${policy}; frame-ancestors 'none'` };
}

export function asset(name: string): string {
  return readFileSync(join(__dirname, 'assets', name), 'utf8');
}

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/**
 * Escapes `<`, so that neither a closing tag nor a comment can appear, and the two separators that end a line in old
 * scripts.
 */
function jsonForScript(data: object): string {
  const escapes: Readonly<Record<string, string>> = { '<': '\\u003c', '\u2028': '\\u2028', '\u2029': '\\u2029' };
  return JSON.stringify(data).replace(/[<\u2028\u2029]/g, (character) => escapes[character] ?? character);
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
