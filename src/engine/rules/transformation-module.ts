/** Loads the user's module of transformations, and refuses entries that would otherwise have no effect, silently. */
import { pathToFileURL } from 'node:url';
import { ConnectorError } from '../../common/errors';
import type { TransformationModule } from './rule-types';

const RULE_FUNCTIONS = ['columns', 'where', 'batch'] as const;

/** The rules of the module at an absolute path; they come after the built-in ones. */
export async function loadTransformationModule(path: string): Promise<TransformationModule> {
  let loaded: Record<string, unknown>;
  try {
    loaded = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (cause) {
    throw moduleError(path, `cannot be loaded: ${messageOf(cause)}`, cause);
  }
  const exported = loaded['default'] ?? loaded;
  const problem = problemOf(exported);
  if (problem !== undefined) throw moduleError(path, problem);
  return guarded(path, exported);
}

/** An error that `includeTable` throws is reported with the module's name. */
function guarded(path: string, module: TransformationModule): TransformationModule {
  const { includeTable } = module;
  if (includeTable === undefined) return module;
  return {
    ...module,
    includeTable: (table) => {
      try {
        return includeTable.call(module, table);
      } catch (cause) {
        throw moduleError(path, `has an "includeTable" that failed: ${messageOf(cause)}`, cause);
      }
    },
  };
}

function problemOf(exported: unknown): string | undefined {
  if (!isObject(exported)) return 'exports by default something that is no object';
  const { transformations, includeTable } = exported;
  if (transformations === undefined && includeTable === undefined)
    return 'exports neither "transformations" nor "includeTable"';
  if (includeTable !== undefined && typeof includeTable !== 'function')
    return 'exports an "includeTable" that is no function';
  if (transformations === undefined) return undefined;
  if (!Array.isArray(transformations)) return 'exports "transformations" that are no list';
  for (const rule of transformations as unknown[]) {
    if (!isObject(rule) || typeof rule['name'] !== 'string' || typeof rule['matches'] !== 'function')
      return 'has a transformation without "name" or "matches"';
    const { name } = rule;
    const wrong = RULE_FUNCTIONS.find((key) => rule[key] !== undefined && typeof rule[key] !== 'function');
    if (wrong !== undefined) return `has a transformation "${name}" whose "${wrong}" is no function`;
    if (RULE_FUNCTIONS.every((key) => rule[key] === undefined))
      return `has a transformation "${name}" with none of "columns", "where" and "batch"`;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function moduleError(path: string, what: string, cause?: unknown): ConnectorError {
  return new ConnectorError(`The module ${path} named by "transformations" ${what}.`, {
    code: 'transformation_module',
    kind: 'configuration',
    hint: 'It must export by default an object with "transformations", a list, or "includeTable", a function.',
    cause,
  });
}

/** One line about a thrown value, which may be anything, because the code is the user's. */
export function messageOf(thrown: unknown): string {
  const message = isObject(thrown) && typeof thrown['message'] === 'string' ? thrown['message'] : String(thrown);
  return message
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .replace(/[.\s]+$/, '');
}
