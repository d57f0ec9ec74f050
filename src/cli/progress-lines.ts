import { counted } from '../common/counted';
import { formatDuration } from './text-time';
import { fit, formatBytes, formatCounted, formatInteger, pad, textWidth } from './text-width';

export interface TableProgress {
  /** `schema.table` */
  readonly name: string;
  readonly rows: number;
  /** 0 where the server does not know it: no percentage is shown. */
  readonly estimatedRows: number;
  readonly rowsPerSecond: number;
  /** All of it is read; the rest is the warehouse's work. */
  readonly read?: boolean;
}

export interface TotalProgress {
  readonly tablesDone: number;
  readonly tables: number;
  readonly rows: number;
  readonly rowsPerSecond: number;
  /** Bytes of packed text, as the destination takes it. */
  readonly bytesPerSecond: number;
  /** null while there is nothing to estimate it from. */
  readonly secondsLeft: number | null;
  /** What is left is the warehouse's work, of which no time is known. */
  readonly allRead?: boolean;
  readonly rssBytes: number;
  /** undefined until the first sample. */
  readonly cpuPercent: number | undefined;
  readonly batchRows: number | undefined;
  readonly readers: number | undefined;
  readonly retries: number;
}

const WRITING = 'writing the warehouse';
const NAME_CELLS = { least: 12, most: 36 };
const BAR_CELLS = { least: 8, most: 24 };
const COLOUR = { on: '\u001b[36m', off: '\u001b[39m' };

/** One running table in at most `width` cells; on a narrow terminal the bar goes first, then the figures. */
export function renderTableLine(table: TableProgress, width: number, colour: boolean): string {
  const fraction = table.estimatedRows > 0 ? table.rows / table.estimatedRows : undefined;
  // The estimate may be too low: a table that is still being read is not at 100 %.
  const percent = fraction === undefined ? '' : `${Math.min(99, Math.floor(fraction * 100))}%`;
  const rows = formatCounted(table.rows, 'row');
  const rate = table.read === true ? WRITING : `${formatInteger(table.rowsPerSecond)} rows/s`;
  // Padded, so that figures do not move as they grow.
  const figures = [
    ` ${pad(percent, 3, 'right')}  ${pad(rows, 15, 'right')}  ${pad(rate, 15, 'right')}`,
    ` ${pad(percent, 3, 'right')}  ${table.read === true ? 'writing' : pad(rows, 11, 'right')}`,
    ` ${pad(percent, 3, 'right')}`,
  ].find((text) => textWidth(text) + NAME_CELLS.least <= width);
  if (figures === undefined) return fit(table.name, width);

  const free = width - textWidth(figures);
  const barCells = Math.min(BAR_CELLS.most, free - NAME_CELLS.least - 1);
  const withBar = barCells >= BAR_CELLS.least && fraction !== undefined;
  const nameCells = Math.min(NAME_CELLS.most, withBar ? free - barCells - 1 : free);
  const name = pad(fit(table.name, nameCells), nameCells);
  return withBar ? `${name} ${renderBar(fraction, barCells, colour)}${figures}` : name + figures;
}

function renderBar(fraction: number, cells: number, colour: boolean): string {
  const full = Math.min(cells, Math.max(0, Math.floor(fraction * cells)));
  const done = '█'.repeat(full);
  return (colour && full > 0 ? COLOUR.on + done + COLOUR.off : done) + '░'.repeat(cells - full);
}

/**
 * The whole sync in two lines of at most `width` cells: how far it is and its speed. The least important parts are left
 * out first.
 */
export function renderTotalLines(total: TotalProgress, width: number): readonly [string, string] {
  const left =
    total.allRead === true
      ? [WRITING]
      : total.secondsLeft === null
        ? []
        : [`${formatDuration(total.secondsLeft)} left`];
  const known = total.cpuPercent !== undefined && !Number.isNaN(total.cpuPercent);
  return [
    joinFitting(
      [
        `${total.tablesDone}/${counted(total.tables, 'table')}`,
        ...left,
        `${formatInteger(total.rowsPerSecond)} rows/s`,
        `${(total.bytesPerSecond / 1_000_000).toFixed(1)} MB/s`,
        formatCounted(total.rows, 'row'),
      ],
      width,
    ),
    joinFitting(
      [
        `RSS ${formatBytes(total.rssBytes)}`,
        ...(known ? [`CPU ${total.cpuPercent.toFixed(0)}%`] : []),
        ...(total.batchRows === undefined ? [] : [`batch ${formatInteger(total.batchRows)}`]),
        ...(total.readers === undefined ? [] : [`threads ${total.readers}`]),
        `retries ${total.retries}`,
      ],
      width,
    ),
  ];
}

function joinFitting([first = '', ...others]: readonly string[], width: number): string {
  let line = first;
  for (const part of others) {
    const longer = `${line}  ${part}`;
    if (textWidth(longer) > width) break;
    line = longer;
  }
  return fit(line, width);
}
