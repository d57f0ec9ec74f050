/** What a hook is told, and what it may use. */
import type { Logger } from '../../common/logger';
import type { RunSummary } from '../run-summary';

/** What is sent: the summary of `sync --json`, of the tables only those that failed, with a line for people. */
export interface HookMessage extends RunSummary {
  readonly text: string;
}

export interface HookContext {
  readonly logger: Logger;
  /** Ends a hook that still runs. */
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Values that no output may show. */
  readonly secrets: readonly string[];
}
