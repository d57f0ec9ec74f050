import { ProgressDisplay } from '../../../src/cli/progress';
import { wantsColour, wantsProgress } from '../../../src/cli/terminal';
import { renderTableLine, renderTotalLines } from '../../../src/cli/progress-lines';
import { RateMeter } from '../../../src/common/rate-meter';
import { plannedTable } from '../observe/sample-report';
import { Terminal } from '@xterm/headless';
import stringWidth from 'string-width';
import { setTimeout as sleep } from 'node:timers/promises';

const WIDTHS = [20, 40, 80, 200];

/** A real terminal's screen, fed with what the display writes. */
class Screen {
  readonly isTTY = true;
  raw = '';
  private readonly terminal: Terminal;

  constructor(
    readonly columns: number,
    readonly rows = 24,
  ) {
    this.terminal = new Terminal({ cols: columns, rows, convertEol: true, scrollback: 1000, allowProposedApi: true });
  }

  write(text: string): void {
    this.raw += text;
    this.terminal.write(text);
  }

  /** Lines of the whole history that are not empty; lines that were wrapped are joined. */
  async lines(): Promise<readonly string[]> {
    await new Promise<void>((resolve) => this.terminal.write('', resolve));
    const buffer = this.terminal.buffer.active;
    const lines: string[] = [];
    for (let index = 0; index < buffer.length; index++) {
      const line = buffer.getLine(index);
      const text = line?.translateToString(true) ?? '';
      if (line?.isWrapped === true) lines.push((lines.pop() ?? '') + text);
      else lines.push(text);
    }
    return lines.filter((line) => line !== '');
  }
}

const running: ProgressDisplay[] = [];
afterEach(() => {
  for (const progress of running.splice(0)) progress.stop();
});

/** Time that moves only when a test says so. */
function display(screen: Screen, colour = false) {
  const clock = { ms: 0 };
  const progress = new ProgressDisplay({
    stream: screen,
    colour,
    now: () => clock.ms,
    rssBytes: () => 120 * 1024 ** 2,
  });
  running.push(progress);
  return { progress, clock };
}

const frame = (): Promise<void> => sleep(150);

describe('one line of progress', () => {
  const table = { name: 'public.order_items', rows: 1_234_567, estimatedRows: 2_000_000, rowsPerSecond: 234_567 };
  const total = {
    tablesDone: 2,
    tables: 300,
    rows: 1_234_567,
    rowsPerSecond: 234_567,
    bytesPerSecond: 31_449_000,
    secondsLeft: 754,
    rssBytes: 120 * 1024 ** 2,
    cpuPercent: 71.6,
    batchRows: 5000,
    readers: 4,
    retries: 1,
  };

  it('shows name, bar, percentage, rows and rate', () => {
    expect(renderTableLine(table, 100, false)).toBe(
      'public.order_items                   ██████████████░░░░░░░░░░ 61%   1,234,567 rows   234,567 rows/s',
    );
  });

  it('shows the state of the whole run', () => {
    expect(renderTotalLines(total, 77)).toEqual([
      '2/300 tables  13 min left  234,567 rows/s  31.4 MB/s  1,234,567 rows',
      'RSS 120 MB  CPU 72%  batch 5,000  threads 4  retries 1',
    ]);
    expect(renderTotalLines(total, 37)).toEqual(['2/300 tables  13 min left', 'RSS 120 MB  CPU 72%  batch 5,000']);
    expect(renderTotalLines({ ...total, secondsLeft: null }, 77)[0]).not.toContain('left');
  });

  it('never claims 100 % while rows still come, and no percentage where none is known', () => {
    expect(renderTableLine({ ...table, rows: 9_000_000 }, 100, false)).toContain(' 99% ');
    expect(renderTableLine({ ...table, estimatedRows: 0 }, 100, false)).not.toMatch(/%|█|░/);
  });

  it('says that the warehouse is being written, rather than a rate of nothing', () => {
    const read = { ...table, rows: 2_000_000, rowsPerSecond: 0, read: true };
    expect(renderTableLine(read, 100, false)).toMatch(/ 99% {3}2,000,000 rows {2}writing the warehouse$/);
    expect(renderTableLine(read, 40, false)).toMatch(/ 99% {2}writing$/);
    expect(renderTotalLines({ ...total, secondsLeft: 0, allRead: true }, 77)[0]).toMatch(
      /^2\/300 tables {2}writing the warehouse {2}/,
    );
  });

  it('fits any width, whatever the name', () => {
    const names = [
      'a',
      'public.order_items',
      'публичная.таблица',
      '注文.明細'.repeat(8),
      'x\u001b[2J\ny',
      '👩‍👩‍👧.🇩🇪'.repeat(9),
    ];
    for (let width = 1; width <= 130; width++) {
      for (const name of names) {
        const line = renderTableLine({ ...table, name, read: width % 2 === 0 }, width, false);
        expect([name, width, stringWidth(line)]).toEqual([name, width, Math.min(width, stringWidth(line))]);
        expect(line).not.toMatch(/\p{Cc}/u);
      }
      for (const line of renderTotalLines(total, width)) expect(stringWidth(line)).toBeLessThanOrEqual(width);
    }
  });

  it('is coloured only when asked, and no wider then', () => {
    const plain = renderTableLine(table, 100, false);
    const coloured = renderTableLine(table, 100, true);
    expect(plain).not.toContain('\u001b');
    expect(coloured).toContain('\u001b[36m');
    expect(stringWidth(coloured)).toBe(stringWidth(plain));
  });
});

describe('the rate', () => {
  it('follows the last three seconds', () => {
    let now = 0;
    const meter = new RateMeter(() => now);
    meter.add(1000);
    now = 1000;
    expect(meter.perSecond()).toBe(1000);
    let rate = 0;
    for (now = 1500; now <= 10_000; now += 500) {
      meter.add(50);
      rate = meter.perSecond();
    }
    expect(rate).toBe(100);
    expect(meter.rows).toBe(1000 + 18 * 50);
  });
});

describe.each(WIDTHS)('the display on a terminal %i cells wide', (columns) => {
  it('keeps log lines whole and above the bars', async () => {
    const screen = new Screen(columns);
    const { progress, clock } = display(screen);
    const tables = ['orders', 'customers_with_a_rather_long_name', 'events'].map((name) => plannedTable(name));
    progress.write('before the plan\n');
    progress.planned({ tables });
    const logged = ['before the plan'];
    for (const [index, table] of tables.entries()) progress.tableStarted(table, index + 1, 3);
    for (let round = 0; round < 4; round++) {
      clock.ms += 500;
      for (const table of tables) progress.rowsWritten(table, 100, 1000);
      for (const line of [`round ${round}`, `a long line ${'which wraps '.repeat(10)}${round}`, 'short']) {
        progress.write(`${line}\n`);
        logged.push(line);
      }
      await frame();
    }
    const lines = await screen.lines();
    expect(lines.slice(0, logged.length)).toEqual(logged);
    const bars = lines.slice(logged.length);
    expect(bars).toHaveLength(5);
    expect(bars[0]).toContain('0/3 tables');
    expect(bars[1]).toContain('RSS 120 MB');
    expect(bars[2]).toContain('public.ord');
    for (const bar of bars) expect(stringWidth(bar)).toBeLessThanOrEqual(columns - 3);
  });

  it('leaves nothing but the log when it ends', async () => {
    const screen = new Screen(columns);
    const { progress } = display(screen, true);
    const table = plannedTable('orders');
    progress.planned({ tables: [table] });
    progress.tableStarted(table, 1, 1);
    await frame();
    progress.tableFinished(table);
    progress.write('the last words\n');
    progress.stop();
    progress.stop();
    progress.write('after it\n');
    expect(await screen.lines()).toEqual(['the last words', 'after it']);
  });
});

describe('the display', () => {
  it('leaves no bar behind when the terminal echoes ^C', async () => {
    const screen = new Screen(60);
    const { progress } = display(screen);
    const table = plannedTable('customers_with_a_rather_long_name');
    progress.planned({ tables: [table] });
    progress.tableStarted(table, 1, 1);
    await frame();
    screen.write('^C');
    await frame();
    progress.stop();
    expect(await screen.lines()).toEqual([]);
  });

  it('shows rates, resources and retries', async () => {
    const screen = new Screen(120);
    const { progress, clock } = display(screen);
    const table = plannedTable('orders', 100_000);
    progress.planned({ tables: [table, plannedTable('items', 100_000)] });
    progress.tableStarted(table, 1, 2);
    progress.retry();
    progress.sampled({ memoryPercent: 50, memoryAvailableBytes: 1, cpuPercent: 42, diskPercent: 1 }, 2500, 2);
    progress.rowsWritten(table, 50_000, 8_000_000);
    clock.ms = 2000;
    await frame();
    const [far, resources, bar] = await screen.lines();
    expect(far).toBe('0/2 tables  6.0 s left  25,000 rows/s  4.0 MB/s  50,000 rows');
    expect(resources).toBe('RSS 120 MB  CPU 42%  batch 2,500  threads 2  retries 1');
    expect(bar).toMatch(/^public\.orders .* 50% +50,000 rows +25,000 rows\/s$/);
  });

  it('shows only as many bars as the terminal has room for, and the next when one ends', async () => {
    const screen = new Screen(80, 7);
    const { progress } = display(screen);
    const tables = Array.from({ length: 5 }, (_, index) => plannedTable(`table_${index}`));
    progress.planned({ tables });
    for (const [index, table] of tables.entries()) progress.tableStarted(table, index + 1, 5);
    await frame();
    const shown = async (): Promise<readonly (string | undefined)[]> =>
      (await screen.lines()).map((line) => /public\.(table_\d)/.exec(line)?.[1]).filter((name) => name !== undefined);
    expect(await shown()).toEqual(['table_0', 'table_1', 'table_2']);
    for (const table of tables.slice(0, 2)) progress.tableFinished(table);
    await frame();
    expect(await shown()).toEqual(['table_2', 'table_3', 'table_4']);
  });

  it('survives 300 tables that come and go', async () => {
    const screen = new Screen(80, 10);
    const { progress } = display(screen);
    const tables = Array.from({ length: 300 }, (_, index) => plannedTable(`table_${index}`));
    progress.planned({ tables });
    for (const [index, table] of tables.entries()) {
      progress.tableStarted(table, index + 1, 300);
      progress.rowsWritten(table, 10, 100);
      progress.tableFinished(table);
      progress.write(`Successfully processed table ${index}\n`);
    }
    progress.stop();
    expect(await screen.lines()).toEqual(tables.map((_, index) => `Successfully processed table ${index}`));
  });

  it('neither hides the cursor nor changes how the terminal wraps', () => {
    const screen = new Screen(80);
    const { progress } = display(screen);
    progress.planned({ tables: [] });
    progress.stop();
    expect(screen.raw).not.toMatch(/\?25l|\?7l/);
  });

  it('is for terminals only', () => {
    const terminal = { isTTY: true, write: () => true };
    expect(wantsProgress(terminal, 'text', { TERM: 'xterm' })).toBe(true);
    expect(wantsProgress({ write: () => true }, 'text', { TERM: 'xterm' })).toBe(false);
    expect(wantsProgress(terminal, 'json', { TERM: 'xterm' })).toBe(false);
    expect(wantsProgress(terminal, 'text', { TERM: 'dumb' })).toBe(false);
    expect(wantsProgress(terminal, 'text', { TERM: 'xterm', CI: 'true' })).toBe(false);
  });

  it('has colours unless NO_COLOR says otherwise', () => {
    expect(wantsColour({})).toBe(true);
    expect(wantsColour({ NO_COLOR: '' })).toBe(true);
    expect(wantsColour({ NO_COLOR: '1' })).toBe(false);
  });
});
