/** Whether the process that has the warehouse open is a sync of ours, which tells of its own end. */
import { readFileSync } from 'node:fs';
import { ConnectorError } from '../common/errors';

const OUR_NAME = /(?:^|[/\\])pgsluice(?:\.js)?$/;
const SYNCING = new Set(['sync', 'debug', 'reconcile']);

/** False where it cannot be told: without /proc, or for a process of another host or container. */
export function isOtherSync(error: unknown): boolean {
  if (!(error instanceof ConnectorError) || error.code !== 'warehouse_locked') return false;
  const pid = /\(PID (\d+)\)/.exec(error.message)?.[1];
  if (pid === undefined) return false;
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.some((word) => OUR_NAME.test(word)) && words.some((word) => SYNCING.has(word));
  } catch {
    return false;
  }
}
