/** Options whose value is a JSON object from patterns to something: written there, or in a file that is named there. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConnectorError } from '../common/errors';

/** Entries of the object in their order. `invalid` makes the error that says so of the option; `shape` what it must be. */
export function jsonEntries(
  text: string,
  directory: string,
  shape: string,
  invalid: (what: string, cause?: unknown) => ConnectorError,
): readonly (readonly [pattern: string, value: unknown])[] {
  const json = text.trimStart().startsWith('{') ? text : readOptionsFile(resolve(directory, text), invalid);
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw invalid('is neither JSON nor the path of a file with JSON', cause);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw invalid(shape);
  return Object.entries(parsed);
}

function readOptionsFile(path: string, invalid: (what: string, cause?: unknown) => ConnectorError): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw invalid(`names ${path}, which cannot be read`, cause);
  }
}
