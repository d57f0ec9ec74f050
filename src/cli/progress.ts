import { renderTableLine, renderTotalLines } from './progress-lines';
import { RateMeter } from '../common/rate-meter';
import type { TerminalStream } from './terminal';
import { secondsLeft } from '../common/time-left';
import type { PlannedTable, SyncPlan } from '../model/plan';
import type { SyncObserver } from '../model/report';
import type { Pressure } from '../model/resources';
import { tableKey } from '../model/table';
import { MultiBar, type SingleBar } from 'cli-progress';
import { Writable } from 'node:stream';

export interface ProgressOptions {
  readonly stream: TerminalStream;
  readonly colour: boolean;
  readonly now?: () => number;
  readonly rssBytes?: () => number;
}

interface TableBar {
  readonly table: PlannedTable;
  readonly rate: RateMeter;
  bar: SingleBar | undefined;
  /** Rows that an earlier attempt or sync had brought. */
  rowsBefore: number;
  read: boolean;
}

/** Two lines of totals, and two kept free below the bars; more bars than fit could not be redrawn in place. */
const RESERVED_ROWS = 4;
const MOST_BARS = 12;
const CLEAR_TO_END = '\u001b[K';

/**
 * Two lines of totals and a bar per running table, at the bottom of the terminal. Log lines are written through
 * `write`, which puts them above. Nothing is drawn before a plan is known or after `stop`.
 */
export class ProgressDisplay implements SyncObserver {
  private readonly bars: MultiBar;
  private readonly tables = new Map<string, TableBar>();
  private readonly total: RateMeter;
  private readonly totalBytes: RateMeter;
  private readonly now: () => number;
  private readonly rssBytes: () => number;
  private active = false;
  private startMs = 0;
  /** Estimated rows of the tables of the plan that are neither running nor done, and of those that are done. */
  private waitingRows = 0;
  private doneRows = 0;
  private tablesTotal = 0;
  private tablesDone = 0;
  private retries = 0;
  private latest: { readonly cpuPercent: number; readonly batchRows: number; readonly readers: number } | undefined;

  constructor(private readonly options: ProgressOptions) {
    this.now = options.now ?? ((): number => performance.now());
    this.rssBytes = options.rssBytes ?? ((): number => process.memoryUsage.rss());
    this.total = new RateMeter(this.now);
    this.totalBytes = new RateMeter(this.now);
    this.bars = new MultiBar({
      stream: terminalFor(options.stream),
      format: (_options, _params, payload: { readonly line: () => string }) => payload.line(),
      fps: 10,
      clearOnComplete: true,
      // A bar whose text is unchanged must be redrawn below a log line that took its place.
      forceRedraw: true,
      // Log lines may wrap; bars are cut to the width here.
      linewrap: true,
      // A process that is killed would leave the terminal without its cursor.
      hideCursor: false,
      // main handles the signals.
      gracefulExit: false,
    });
  }

  planned(plan: SyncPlan): void {
    if (this.active) return;
    this.active = true;
    this.tablesTotal = plan.tables.length;
    this.startMs = this.now();
    this.waitingRows = plan.tables.reduce((sum, { table }) => sum + table.estimatedRows, 0);
    for (const line of [0, 1] as const) this.bars.create(1, 0, { line: () => this.totalLines()[line] });
  }

  tableStarted(table: PlannedTable, _position: number, total: number): void {
    if (!this.active) return;
    this.tablesTotal = total;
    const key = tableKey(table.table);
    // A retry starts a table again: its bar stays.
    if (this.tables.has(key)) return;
    this.tables.set(key, { table, rate: new RateMeter(this.now), bar: undefined, rowsBefore: 0, read: false });
    this.waitingRows -= table.table.estimatedRows;
    this.showWaiting();
  }

  rowsWritten(table: PlannedTable, rows: number, bytes: number): void {
    this.total.add(rows);
    this.totalBytes.add(bytes);
    const entry = this.tables.get(tableKey(table.table));
    if (entry === undefined) return;
    entry.rate.add(rows);
    // Another attempt reads it again.
    entry.read = false;
  }

  tableResumed(table: PlannedTable, rows: number): void {
    const entry = this.tables.get(tableKey(table.table));
    // What this sync has written of it is among the rows.
    if (entry !== undefined) entry.rowsBefore = Math.max(0, rows - entry.rate.rows);
  }

  tableRead(table: PlannedTable): void {
    const entry = this.tables.get(tableKey(table.table));
    if (entry !== undefined) entry.read = true;
  }

  tableFinished(table: PlannedTable): void {
    this.tablesDone++;
    const key = tableKey(table.table);
    const entry = this.tables.get(key);
    this.tables.delete(key);
    if (entry !== undefined) this.doneRows += table.table.estimatedRows;
    if (!this.active || entry?.bar === undefined) return;
    this.bars.remove(entry.bar);
    this.showWaiting();
  }

  retry(): void {
    this.retries++;
  }

  sampled(pressure: Pressure, batchRows: number, readers: number): void {
    this.latest = { cpuPercent: pressure.cpuPercent, batchRows, readers };
  }

  /** One line of text with its newline, above the bars. */
  write(line: string): void {
    // A bar stood at that place, perhaps a longer one.
    if (this.active) this.bars.log(line.replaceAll('\n', `${CLEAR_TO_END}\n`));
    else this.options.stream.write(line);
  }

  /** Removes the bars for good; may be called twice. */
  stop(): void {
    if (!this.active) return;
    // Draws once more, since `MultiBar.stop` would drop log lines that still wait.
    this.bars.update();
    this.bars.stop();
    this.active = false;
  }

  private showWaiting(): void {
    const most = Math.max(1, Math.min(MOST_BARS, (this.options.stream.rows ?? 24) - RESERVED_ROWS));
    const entries = [...this.tables.values()];
    let shown = entries.filter((entry) => entry.bar !== undefined).length;
    for (const entry of entries) {
      if (shown >= most) return;
      if (entry.bar !== undefined) continue;
      entry.bar = this.bars.create(1, 0, { line: () => this.tableLine(entry) });
      shown++;
    }
  }

  private tableLine(entry: TableBar): string {
    const { table } = entry.table;
    const progress = {
      name: tableKey(table),
      rows: entry.rowsBefore + entry.rate.rows,
      estimatedRows: table.estimatedRows,
      rowsPerSecond: entry.rate.perSecond(),
      read: entry.read,
    };
    return renderTableLine(progress, this.width(), this.options.colour);
  }

  private totalLines(): readonly [string, string] {
    return renderTotalLines(
      {
        tablesDone: this.tablesDone,
        tables: this.tablesTotal,
        rows: this.total.rows,
        rowsPerSecond: this.total.perSecond(),
        bytesPerSecond: this.totalBytes.perSecond(),
        secondsLeft: this.secondsLeft(),
        allRead: this.allRead(),
        rssBytes: this.rssBytes(),
        cpuPercent: this.latest?.cpuPercent,
        batchRows: this.latest?.batchRows,
        readers: this.latest?.readers,
        retries: this.retries,
      },
      this.width(),
    );
  }

  private allRead(): boolean {
    const running = [...this.tables.values()];
    return (
      running.length > 0 && running.every(({ read }) => read) && this.tablesDone + running.length >= this.tablesTotal
    );
  }

  private secondsLeft(): number | null {
    const running = [...this.tables.values()].map(({ table, rate, rowsBefore }) => ({
      estimatedRows: Math.max(0, table.table.estimatedRows - rowsBefore),
      rows: rate.rows,
      ended: false,
    }));
    const waiting = { estimatedRows: Math.max(0, this.waitingRows), rows: 0, ended: false };
    const done = { estimatedRows: this.doneRows, rows: 0, ended: true };
    return secondsLeft([...running, waiting, done], (this.now() - this.startMs) / 1000);
  }

  /** Three cells stay free: the terminal's own `^C` must not begin a new line, or a bar would be left behind. */
  private width(): number {
    return Math.max(1, (this.options.stream.columns ?? 80) - 3);
  }
}

/**
 * The stream as cli-progress sees it. It cuts lines to `columns` without regard to colours and wide characters. They
 * are cut here already, so it gets a width that is never reached.
 */
function terminalFor(stream: TerminalStream): NodeJS.WritableStream {
  const terminal = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      stream.write(String(chunk));
      done();
    },
  });
  return Object.assign(terminal, { isTTY: true, columns: 100_000 });
}
