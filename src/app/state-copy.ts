/** The copy of the state beside the warehouse: it writes ours, and recognizes that of an earlier connector. */
import { counted } from '../common/counted';
import { readFileSync } from 'node:fs';
import { ConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import type { Settings } from '../config/settings';
import { keepsRows } from '../destinations/place';
import { stateDocument, writeStateFile } from '../destinations/state-file';
import type { TableStates } from '../model/sync-state';

/** Keeps the copy of the state at most a second behind, without rewriting it at every commit. */
export class StateCopy {
  private latest: TableStates | undefined;
  private writtenAtMs = 0;

  constructor(private readonly settings: Settings) {}

  committed(states: TableStates): void {
    this.latest = states;
    if (Date.now() - this.writtenAtMs < 1000) return;
    try {
      this.flush();
    } catch {
      // A copy that cannot be written must not stop the data. The last flush tries again, and reports it.
      this.writtenAtMs = Date.now();
    }
  }

  flush(): void {
    if (this.latest === undefined || !keepsRows(this.settings)) return;
    try {
      writeStateFile(this.settings.statePath, stateDocument(this.latest, new Date()));
    } catch (cause) {
      throw new ConnectorError(
        `The state file ${this.settings.statePath} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}.`,
        {
          code: 'state_file',
          kind: 'destination',
          hint: "Free some space or check the folder's permissions; the warehouse itself holds the state, so nothing is lost.",
          cause,
        },
      );
    }
    this.latest = undefined;
    this.writtenAtMs = Date.now();
  }
}

/**
 * The connector that this one replaces kept one time per table name in the same file. Such a time does not say which
 * rows were written before it, nor which of two schemas the table was in. It is therefore not used, and every table is
 * loaded once from the start.
 */
export function noteForeignState(settings: Settings, logger: Logger): void {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(settings.statePath, 'utf8'));
  } catch {
    return;
  }
  if (typeof document !== 'object' || document === null || 'version' in document || !('last_updated_at' in document))
    return;
  const tables = Object.keys(document).filter((key) => key !== 'last_updated_at');
  logger.info(
    `Found the state of an earlier connector in ${settings.statePath} (${counted(tables.length, 'table')}): its times are no safe starting points, so every table is loaded once from the start.`,
  );
}
