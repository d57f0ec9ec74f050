/** Advises what to change before the next sync, from how this one went. */
import { counted } from '../common/counted';
import type { PageData, PageTable } from './page-data';

type Findings = Omit<PageData, 'advice'>;

/** A shorter run has nothing to gain. */
const WORTHWHILE_SECONDS = 5;
const WAITING_SHARE = 0.4;
const LARGE_ROWS = 1_000_000;

/** One sentence each; none where all is well. */
export function advise(found: Findings): readonly string[] {
  return [
    failures(found),
    retries(found),
    memory(found),
    batchSize(found),
    cpu(found),
    side(found),
    estimates(found),
    modes(found),
  ].flat();
}

function failures(found: Findings): readonly string[] {
  return found.failures.length > 0
    ? ['Mend the failed tables first: each says above what to do; the next sync takes them up again.']
    : [];
}

function retries({ retries: count, tables }: Findings): readonly string[] {
  if (count === 0) return [];
  const names = listed(tables.filter((table) => table.retries > 0));
  return [
    `${counted(count, 'retry', 'retries')} (${names}): look at the network and the server's log for the times of the warnings.`,
  ];
}

function memory({ batchCut, options }: Findings): readonly string[] {
  if (batchCut === null) return [];
  const { from, to } = batchCut;
  const rows = `from ${from} to ${counted(to, 'row')}`;
  const own = options.customBatchSize;
  return [
    own === null
      ? `Memory pressure cut the batch ${rows}: give the process more memory, or lower "batch_bytes" and "custom_threads" so that it need not be cut.`
      : `Memory pressure cut the batch of your "custom_batch_size" ${rows}: give the process more memory, or lower that option, or leave it out.`,
  ];
}

/** Below this, most of a batch's time is the way to the server and back. */
const SMALL_BATCH = 500;
/** With fewer rows there is nothing to gain. */
const MANY_ROWS = 100_000;

function batchSize({ options, batchCut, rows, seconds }: Findings): readonly string[] {
  const own = options.customBatchSize;
  if (own === null || own >= SMALL_BATCH || batchCut !== null) return [];
  if (seconds < WORTHWHILE_SECONDS || rows < MANY_ROWS) return [];
  return [
    `Your "custom_batch_size" of ${own} makes many statements of few rows: leave it out, or raise it to 5000, to read faster.`,
  ];
}

function cpu({ series, seconds }: Findings): readonly string[] {
  if (seconds < WORTHWHILE_SECONDS) return [];
  const busy = share(series.cpuPercent, (value) => value > 95);
  if (busy < 0.5) return [];
  const own = mean(series.ownCpuPercent);
  if (own !== undefined && own < (mean(series.cpuPercent) ?? 0) / 2) {
    return [
      `The CPU was full most of the time, and this process used ${Math.round(own)}% of it: move the other processes (the server may be one) or the time of the sync; more readers will not help.`,
    ];
  }
  return ['The CPU was full most of the time: more cores will help, more readers will not.'];
}

function side({ tables, seconds, series, options }: Findings): readonly string[] {
  if (seconds < WORTHWHILE_SECONDS) return [];
  const ended = tables.filter((table) => table.to !== null && table.from !== null);
  const spent = ended.reduce((sum, table) => sum + (table.to ?? 0) - (table.from ?? 0), 0);
  const waited = ended.reduce((sum, table) => sum + table.waitedForWarehouse, 0);
  if (spent === 0) return [];
  if (waited / spent > WAITING_SHARE) {
    return [
      `Tables waited ${Math.round((waited / spent) * 100)}% of their time for the warehouse: put it on a faster disk, or give DuckDB more cores; more readers will not help.`,
    ];
  }
  const idle = share(series.cpuPercent, (value) => value < 60);
  if (idle > 0.7 && waited / spent < 0.1 && maximum(series.readers) < 8) {
    const own = options.customThreads === null ? '' : ` above your ${options.customThreads}`;
    return [
      `Readers waited for the server while the CPU here was idle: raise "custom_threads"${own}, if the server can bear it.`,
    ];
  }
  return [];
}

function estimates({ tables }: Findings): readonly string[] {
  const wrong = tables.filter(
    ({ rows, estimatedRows, mode, error }) =>
      error === null && mode === 'full' && rows > 10_000 && (estimatedRows === 0 || rows / estimatedRows > 5),
  );
  return wrong.length === 0
    ? []
    : [`Far more rows than the server's statistics say (${listed(wrong)}): have the owner run ANALYZE on them.`];
}

function modes({ tables }: Findings): readonly string[] {
  const large = tables.filter((table) => table.mode === 'full' && table.rows >= LARGE_ROWS);
  const cursors = tables.filter((table) => table.readMethod === 'cursor' && table.rows >= 100_000);
  return [
    ...(large.length === 0
      ? []
      : [
          `Read whole at every sync (${listed(large)}): a primary key, or an indexed update column, makes them incremental.`,
        ]),
    ...(cursors.length === 0
      ? []
      : [
          `Read with a cursor, several times slower (${listed(cursors)}): views, foreign tables and servers before PostgreSQL 14 are.`,
        ]),
  ];
}

function listed(tables: readonly PageTable[]): string {
  const names = tables.slice(0, 5).map((table) => table.name);
  return tables.length > 5 ? `${names.join(', ')} and ${tables.length - 5} more` : names.join(', ');
}

function maximum(values: readonly (number | null)[]): number {
  return values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
}

function mean(values: readonly (number | null)[]): number | undefined {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}

function share(values: readonly (number | null)[], holds: (value: number) => boolean): number {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? 0 : known.filter(holds).length / known.length;
}
