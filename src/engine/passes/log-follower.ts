/**
 * The log of the source in a sync: which tables it answers for, and how far it is known afterwards.
 *
 *   begin ──> the log is read once, under one snapshot (log-moment) ──> tables without an entry are unchanged
 *     └─> where it cannot be read, or does not suffice for a table, that table is compared by transaction ids and counts
 *   passes ──> each table's rows, its state and its position are committed together
 *   end ──> when all of them are durable, the position of the database moves on, and then the slot
 *
 * A table is known up to its own position, or up to that of the database where that is further on. So a table that has not
 * changed need not be written. What ends in between repeats work: the slot stands where the database stands, or before.
 * A table that failed holds both back, until the server keeps too much log for it. Then it is let go: its next pass finds
 * by transaction ids what it has missed.
 */
import { counted, plural } from '../../common/counted';
import { asConnectorError } from '../../common/errors';
import type { Logger } from '../../common/logger';
import { sleep } from '../../common/retry';
import type { TableState } from '../../model/sync-state';
import type { Session } from '../../postgres/connection';
import { advanceSlot, latest, logEnd, parseLsn } from '../../postgres/log';
import { logReach, type PassPlan, type TableRun } from '../plan';
import type { Writer } from '../write';
import { LogMoment, snapshotNow, type LogMomentOptions } from './log-moment';

export interface LogFollowerOptions extends LogMomentOptions {
  readonly writer: Writer;
  readonly logger: Logger;
  /** The committed states of all tables that the destination knows. */
  readonly states: ReadonlyMap<string, TableState>;
  /** A commit is durable when it returns. */
  readonly commitsAreDurable: boolean;
}

/** Below that, a sync that has written nothing does not write this either: reading it again takes a tenth of a second. */
const WORTH_MOVING_BYTES = 16n * 1024n ** 2n;
/** What a server may keep for tables that fail. */
const MOST_HELD_BYTES = 1024 ** 3;
/** Beyond a quarter of the table, its rows are found as soon by looking at all of them. */
const MOST_OF_TABLE = 0.25;
/** However small the table is. */
const ALWAYS_BY_KEY = 50_000;
/** SQLSTATE of a slot that another session reads, and how often it is tried for. */
const IN_USE = '55006';
const ATTEMPTS_IN_USE = 10;
const SETTLING_SECONDS = 2;
const SETTLING_ROUND_SECONDS = 0.1;

export class LogFollower {
  private moment: Promise<LogMoment> | undefined;
  private followers: readonly TableRun[] = [];
  /** Snapshots taken from now on show everything that was committed before it; null: that is not known of any. */
  private position: string | null = null;

  constructor(private readonly options: LogFollowerOptions) {}

  /** Decides by what the log says which tables have changed; returns those that have not, which is proven. */
  async begin(runs: readonly TableRun[]): Promise<ReadonlySet<TableRun>> {
    this.followers = runs.filter(({ logged, pass }) => logged !== undefined && pass.kind !== 'keys-only');
    if (this.followers.length === 0) return new Set();
    const { outlook } = this.options;
    await this.moveSlot(outlook.reached?.position);
    this.tellOfLostPlace();
    const byLog = this.followers.filter(isByLog);
    const unchanged = new Set<TableRun>();
    // Where nobody else has moved it, every snapshot since shows what was committed before the slot's own position.
    if (byLog.length === 0)
      this.position = (await this.settled()) ?? (this.lostPlace.length === 0 ? outlook.confirmed : null);
    else {
      try {
        // The warehouse counts its rows while the server reads its log.
        const counting = this.edited(byLog);
        counting.catch(() => undefined);
        const moment = await this.openPatiently(byLog);
        this.position = moment.position;
        const edited = await counting;
        for (const run of byLog) if (this.decide(run, moment, edited)) unchanged.add(run);
      } catch (thrown) {
        await this.withoutLog(byLog, thrown);
      }
    }
    for (const run of this.followers) run.followsLogFrom(this.position);
    return unchanged;
  }

  /** The moment that the table is read at; undefined where the log does not suffice for it any more. */
  async momentFor(run: TableRun): Promise<LogMoment | undefined> {
    const moment = await this.present();
    run.followsLogFrom(moment.position);
    // It may be a later moment than the one that was decided by.
    const why = whyNotByLog(run, moment);
    if (why === undefined) return moment;
    this.catchUp(run, why);
    return undefined;
  }

  /** Where a snapshot is lost with its connection, the tables that are left are read at a later moment than the others. */
  private async present(): Promise<LogMoment> {
    for (;;) {
      const known = this.moment;
      const moment = await known?.catch(() => undefined);
      if (moment?.usable === true) return moment;
      // A lost connection counts until it is given back, and there may be one alone.
      await moment?.leave();
      // Another table may have opened the next one meanwhile.
      if (known === this.moment) return await this.open(this.followers.filter(isByLog));
    }
  }

  /** All tables that the log names are read: the snapshot is not needed any more. */
  async leave(): Promise<void> {
    const moment = await this.moment?.catch(() => undefined);
    await moment?.leave();
  }

  /** `failed`: keys of the tables that did not come through. */
  async end(failed: ReadonlySet<string>, written: boolean): Promise<void> {
    const { outlook, writer, logger, states } = this.options;
    const position = this.position;
    if (this.followers.length === 0 || position === null) return;
    const held = this.followers.filter(({ key }) => failed.has(key));
    if (held.length > 0 && outlook.retainedBytes < MOST_HELD_BYTES) return;
    if (held.length > 0) {
      logger.warning(
        `The server keeps ${(outlook.retainedBytes / 1e9).toFixed(1)} GB of log for ${held.map(({ key }) => key).join(', ')}, whose sync failed; the log moves on, and such a table is compared by transaction ids when it comes through again.`,
      );
    }
    const before = outlook.reached?.position;
    const far = before === undefined || parseLsn(position) - parseLsn(before) >= WORTH_MOVING_BYTES;
    if (!far && !written) return;
    const known = new Set(this.followers.filter(({ key }) => !failed.has(key)).map(({ key }) => key));
    const outdated = [...states].filter(([key, { log }]) => log != null && !known.has(key)).map(([key]) => key);
    const to = before === undefined ? position : latest(before, position);
    await writer.logKnown({ slot: outlook.slotName, position: to }, outdated);
    if (this.options.commitsAreDurable) await this.moveSlot(to);
  }

  private get lostPlace(): readonly TableRun[] {
    const { outlook } = this.options;
    return this.followers.filter(({ committed, logged }) => logReach(committed, logged, outlook) === 'lost');
  }

  private tellOfLostPlace(): void {
    const { outlook, logger } = this.options;
    const lost = this.lostPlace;
    if (lost.length === 0) return;
    logger.warning(
      `Slot ${outlook.slotName} does not reach back to the last sync: somebody else has moved it on, or it was made anew. So ${counted(lost.length, 'table')} ${plural(lost.length, 'is', 'are')} compared in another way once; give each reader of the log a slot of its own.`,
    );
  }

  private open(runs: readonly TableRun[]): Promise<LogMoment> {
    this.moment = LogMoment.open(runs, this.options);
    // Those who need it hear of its failure.
    this.moment.catch(() => undefined);
    return this.moment;
  }

  /** A session that was cut off may still be reading the slot for a while, and a connection may be lost. */
  private async openPatiently(runs: readonly TableRun[]): Promise<LogMoment> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.open(runs);
      } catch (thrown) {
        const { sqlState, kind, retryable } = asConnectorError(thrown);
        const attempts = sqlState === IN_USE ? ATTEMPTS_IN_USE : kind === 'connection' && retryable ? 2 : 1;
        if (attempt >= attempts) throw thrown;
        await sleep(1, this.options.signal);
      }
    }
  }

  /** Whether the table is unchanged; its pass is another one where the log does not suffice. */
  private decide(run: TableRun, moment: LogMoment, edited: ReadonlySet<TableRun>): boolean {
    const changes = moment.changesOf(run);
    const { committed } = run;
    if (changes === undefined || committed === null) return false;
    const { comparesKeys } = this.options.writer;
    const keys = changes.written.size + changes.gone.size;
    const many = keys > Math.max(ALWAYS_BY_KEY, run.planned.table.estimatedRows * MOST_OF_TABLE);
    const why = whyNotByLog(run, moment);
    if (why !== undefined) this.catchUp(run, why);
    else if (edited.has(run)) this.catchUp(run, 'has other rows in the warehouse than its last sync left there');
    else if (comparesKeys && many && isRead(run)) this.catchUp(run, `has changes of up to ${keys} rows in the log`);
    else return keys === 0 && committed.description === run.description && committed.mode === 'log';
    return false;
  }

  /** Another pass: its snapshot is later than the log, so the table is known as far all the same. */
  catchUp(run: TableRun, why: string): void {
    const pass = this.otherPass(run);
    const how = pass.kind === 'by-xmin' ? 'compared by transaction ids and counts' : 'loaded from the start';
    this.options.logger.info(`${run.key} ${why}; it is ${how}.`);
    run.changePass(pass);
  }

  private otherPass(run: TableRun): PassPlan {
    const provable = this.options.writer.comparesKeys && isRead(run) && run.committed?.xmin != null;
    return provable ? { kind: 'by-xmin', proof: 'count' } : { kind: 'full-load' };
  }

  /** Tables of which somebody has added or taken rows in the warehouse. */
  private async edited(runs: readonly TableRun[]): Promise<ReadonlySet<TableRun>> {
    const counts = await this.options.writer.countTables(runs);
    return new Set(runs.filter((run, index) => counts !== undefined && counts[index] !== run.committed?.rows));
  }

  /** The log cannot be read: its tables are compared, and it is followed again from now on. */
  private async withoutLog(runs: readonly TableRun[], thrown: unknown): Promise<void> {
    const error = asConnectorError(thrown);
    const { signal, logger, outlook } = this.options;
    if (signal.aborted || error.kind === 'destination' || error.kind === 'internal') throw error;
    logger.warning(
      `The log cannot be read from slot ${outlook.slotName}, so its tables are compared by transaction ids and counts this time: ${error.describe()}`,
    );
    for (const run of runs) run.changePass(this.otherPass(run));
    this.position = await this.settled();
  }

  /**
   * The end of the log, so that every later snapshot shows what was committed before it. A transaction writes its commit record
   * before others see it: so all that run at the position must have ended. null: one of them goes on.
   */
  private async settled(): Promise<string | null> {
    const { signal } = this.options;
    return await this.withSession(async (session) => {
      const { readable } = await logEnd(session, signal);
      let running = await runningNow(session, signal);
      for (let seconds = 0; running.size > 0 && seconds < SETTLING_SECONDS; seconds += SETTLING_ROUND_SECONDS) {
        await sleep(SETTLING_ROUND_SECONDS, signal);
        const now = await runningNow(session, signal);
        running = new Set([...running].filter((id) => now.has(id)));
      }
      return running.size === 0 ? readable : null;
    });
  }

  /** What is durable here need not be kept there. That it cannot be moved costs no row, so it costs no sync either. */
  private async moveSlot(to: string | undefined): Promise<void> {
    const { outlook, signal, logger } = this.options;
    if (to === undefined || parseLsn(to) <= parseLsn(outlook.confirmed)) return;
    try {
      await this.withSession((session) => advanceSlot(session, outlook.slotName, to, signal));
    } catch (thrown) {
      const error = asConnectorError(thrown);
      if (signal.aborted) throw error;
      logger.warning(
        `Slot ${outlook.slotName} could not be moved on, so the server keeps its log until the next sync: ${error.describe()}`,
      );
    }
  }

  private async withSession<T>(action: (session: Session) => Promise<T>): Promise<T> {
    const { manager, signal } = this.options;
    const session = await manager.lease(signal);
    try {
      return await action(session);
    } finally {
      await manager.release(session);
    }
  }
}

function isByLog({ pass }: TableRun): boolean {
  return pass.kind === 'by-log';
}

/** By ranges, so that its transaction ids can be looked at. */
function isRead({ planned }: TableRun): boolean {
  return planned.readMethod === 'ranges';
}

/** Why the keys that the log names are not all that has changed, as the rest of a sentence. */
function whyNotByLog(run: TableRun, moment: LogMoment): string | undefined {
  const { relations } = run.planned.table;
  const files = new Map(run.committed?.relations.map(({ oid, fileNode }) => [oid, fileNode]));
  const sameFiles =
    files.size === relations.length && relations.every(({ oid }) => files.get(oid) === moment.fileNodeOf(oid));
  const changes = moment.changesOf(run);
  if (changes?.truncated === true || !sameFiles) return 'was rewritten, truncated or has other partitions';
  return changes?.obstacle;
}

/** Transactions that have begun and not ended. A standby names none: it shows a commit before it says that it has come so far. */
async function runningNow(session: Session, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const [, , running = ''] = (await snapshotNow(session, signal)).text.split(':');
  return new Set(running === '' ? [] : running.split(','));
}
