/**
 * Tells somebody how a run ended: `on_failure` and `on_success`. A hook that fails is said in the log, and changes
 * nothing about the run.
 */
import { hookTarget } from '../../config/hook-target';
import type { Settings } from '../../config/settings';
import type { ErrorSummary, RunResult, RunSummary } from '../run-summary';
import type { HookContext, HookMessage } from './hook-message';
import { runHookCommand } from './hook-command';
import { postToWebhook } from './webhook';

export type HookSettings = Pick<Settings, 'onFailure' | 'onSuccess'>;

/**
 * Which hook hears of which result. Somebody ended an interrupted run on purpose, and a sync that found another one
 * running leaves it to that one to tell.
 */
const HOOK_OF: Readonly<Record<RunResult, 'on_failure' | 'on_success' | undefined>> = {
  succeeded: 'on_success',
  some_tables_failed: 'on_failure',
  failed: 'on_failure',
  crashed: 'on_failure',
  interrupted: undefined,
  already_running: undefined,
};

/** Resolves when the hook has ended, well or not; never rejects. */
export async function callHook(hooks: HookSettings, summary: RunSummary, context: HookContext): Promise<void> {
  const name = HOOK_OF[summary.result];
  const text = name === 'on_failure' ? hooks.onFailure : name === 'on_success' ? hooks.onSuccess : undefined;
  if (name === undefined || text === undefined) return;
  const target = hookTarget(text);
  if ('problem' in target) return;
  const message = hookMessage(summary);
  const problem =
    'url' in target
      ? await postToWebhook(target.url, message, context)
      : await runHookCommand(target.words, message, context);
  if (problem === undefined) context.logger.info(`The hook ${name} was called.`);
  else context.logger.warning(`The hook ${name} failed: ${problem} The sync's result stays as it is.`);
}

const MOST_TABLES = 100;

function hookMessage(summary: RunSummary): HookMessage {
  const failed = summary.tables.filter(({ outcome }) => outcome === 'failed');
  return {
    text: textOf(
      summary,
      failed.map(({ table }) => table),
    ),
    ...summary,
    error: withoutData(summary.error),
    tables: failed.slice(0, MOST_TABLES).map((table) => ({ ...table, error: withoutData(table.error) })),
  };
}

const MOST_NAMED = 5;

function textOf(
  { command, source, configuration, host, exitCode, result, counts, error }: RunSummary,
  failed: readonly string[],
): string {
  const what = `pgsluice ${command} of ${source ?? configuration} on ${host}`;
  const tables = `${counts.tables} ${counts.tables === 1 ? 'table' : 'tables'}`;
  if (result === 'succeeded') return `${what} succeeded: ${tables}`;
  const more = failed.length > MOST_NAMED ? `, and ${failed.length - MOST_NAMED} more` : '';
  const names = failed.length === 0 ? '' : `: ${failed.slice(0, MOST_NAMED).join(', ')}${more}`;
  const why =
    error === null ? `${counts.failed} of ${tables} failed${names}` : (withoutData(error)?.message ?? error.code);
  return `${what} failed (exit code ${exitCode}): ${why}`;
}

/** Data exceptions, constraints and what functions raise: PostgreSQL quotes values in these. */
const QUOTING_STATES = /^(?:22|23|38|39|P0|XX)/;

/** What a user's rule raises, and what DuckDB says of what it writes. */
const QUOTING_CODES = new Set(['column_fails', 'transformation', 'transformation_module', 'warehouse_write']);

/** The log may quote a value of a table in an error; what leaves the machine may not. */
function withoutData(error: ErrorSummary | null): ErrorSummary | null {
  if (error === null) return null;
  const { kind, code, sqlState } = error;
  const quotes = kind === 'internal' || QUOTING_CODES.has(code) || QUOTING_STATES.test(sqlState ?? '');
  return quotes ? { ...error, message: null } : error;
}
