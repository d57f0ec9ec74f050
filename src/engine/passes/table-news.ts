/**
 * Which tables have something to say. At hundreds of tables, lines about those that have not changed hide the others. So
 * a table that only looks for changes is announced when the first one has come, when something goes wrong, or when it
 * takes long; of the others, one line tells in the end.
 */
import type { Logger } from '../../common/logger';
import type { TableRun } from '../plan';

/** People who watch want to know what takes so long. */
const PATIENCE_MS = 5_000;
const MOST_NAMED = 5;

export class TableNews {
  private readonly waiting = new Map<TableRun, { readonly announce: () => void; readonly timer: NodeJS.Timeout }>();
  private readonly silent: string[] = [];

  constructor(
    private readonly logger: Logger,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  /** `announce` is called at once where the table is read whole, else with its first news. */
  begin(run: TableRun, announce: () => void): void {
    if (!looksForChanges(run)) {
      announce();
      return;
    }
    const timer = setTimeout(() => this.heard(run), this.patienceMs).unref();
    this.waiting.set(run, { announce, timer });
  }

  /** There is something to say of the table. */
  heard(run: TableRun): void {
    const found = this.waiting.get(run);
    if (found === undefined) return;
    clearTimeout(found.timer);
    this.waiting.delete(run);
    found.announce();
  }

  /** Whether anything was said of it. */
  ended(run: TableRun): boolean {
    const found = this.waiting.get(run);
    if (found === undefined) return true;
    clearTimeout(found.timer);
    this.waiting.delete(run);
    this.silent.push(run.key);
    return false;
  }

  /** The table was interrupted: nobody hears of it any more. */
  interrupted(run: TableRun): void {
    clearTimeout(this.waiting.get(run)?.timer);
    this.waiting.delete(run);
  }

  /** Whether the table still waits for its first news. */
  isSilent(run: TableRun): boolean {
    return this.waiting.has(run);
  }

  /** The one line about all tables of which there was nothing to say. */
  summarize(): void {
    const count = this.silent.length;
    if (count === 0) return;
    const more = count > MOST_NAMED ? `, and ${count - MOST_NAMED} more` : '';
    const names = this.silent.slice(0, MOST_NAMED).join(', ');
    this.logger.info(`Nothing new was found in ${count} ${count === 1 ? 'table' : 'tables'}: ${names}${more}`, {
      tables: count,
    });
  }
}

/** A first pass is news by itself, as is everything that is read whole. */
function looksForChanges({ pass, committed }: TableRun): boolean {
  return pass.kind !== 'full-load' && committed?.lastSyncedAt != null;
}
