/** Keeps samples of a run of any length in bounded memory: when there are too many, every other one is dropped. */
import type { PageSeries } from './page-data';

type Column = Exclude<keyof PageSeries, 'time'>;
export type Sample = Readonly<Record<Column, number>>;

const COLUMNS: readonly Column[] = [
  'rowsPerSecond',
  'megabytesPerSecond',
  'rssMegabytes',
  'memoryLimitMegabytes',
  'cpuPercent',
  'ownCpuPercent',
  'batchRows',
  'readers',
  'retries',
];
/** More points than a chart has pixels would show nothing more. */
const MOST_SAMPLES = 1200;

export class Series {
  private rows: { readonly time: number; readonly sample: Sample }[] = [];
  /** Seconds between two samples; doubled whenever half of them are dropped. */
  intervalSeconds: number;

  constructor(intervalSeconds = 1) {
    this.intervalSeconds = intervalSeconds;
  }

  add(time: number, sample: Sample): void {
    this.rows.push({ time, sample });
    if (this.rows.length <= MOST_SAMPLES) return;
    this.rows = this.rows.filter((_, index) => index % 2 === 0);
    this.intervalSeconds *= 2;
  }

  /** NaN, which JSON does not know, becomes null: a gap. */
  columns(): PageSeries {
    const column = (name: Column): (number | null)[] =>
      this.rows.map(({ sample }) => (Number.isFinite(sample[name]) ? round(sample[name]) : null));
    const values = Object.fromEntries(COLUMNS.map((name) => [name, column(name)])) as Record<Column, (number | null)[]>;
    return { time: this.rows.map(({ time }) => round(time)), ...values };
  }
}

/** Three decimals are a tenth of a pixel, and keep the page small. */
export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
