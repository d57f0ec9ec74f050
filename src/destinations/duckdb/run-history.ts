/** Keeps the last syncs in the warehouse: `status` shows them, and `plan` estimates from them. */
import type { RunRecord, TableRecord } from '../../model/run-record';
import { literal } from './types';
import type { Scalar, Warehouse } from './warehouse';

const RUNS_TABLE = '_pgsluice.runs';
/** A run every five minutes for a day and more; beyond that, people keep their logs. */
const KEPT_RUNS = 300;

const SLOT_COLUMN = 'slot_wal_bytes';
/** In a lake: the snapshot that the sync has left. */
const SNAPSHOT_COLUMN = 'snapshot';
const COLUMNS = [
  ...['started', 'ended', 'outcome', 'seconds', 'tables', 'failed_tables', 'rows', 'bytes'],
  ...['rows_per_second', 'bytes_per_second', 'retries', 'error', 'table_details'],
];
/**
 * So long, runs that find nothing new are left out after one that went well. Each would make DuckDB write the file's
 * catalog anew, which is a tenth of the CPU time of such a run over 1,000 tables, and change the size of the file.
 */
const QUIET_MS = 3_600_000;

/** Whether the run is one more of which there is nothing to say. */
export async function mayBeLeftOut(warehouse: Warehouse, run: RunRecord): Promise<boolean> {
  if (run.outcome !== 'succeeded' || run.tables.some(hasNews) || !(await hasRuns(warehouse))) return false;
  const [newest] = await warehouse.rows(
    `SELECT epoch_ms(started), outcome, failed_tables FROM ${RUNS_TABLE} ORDER BY started DESC LIMIT 1`,
  );
  const [started, outcome, failedTables] = newest ?? [];
  // A clock that was put back must not keep runs out for ever.
  const isNear = Math.abs(Date.parse(run.startedAt) - Number(started ?? NaN)) < QUIET_MS;
  return outcome === 'succeeded' && Number(failedTables) === 0 && isNear;
}

export async function writeRun(warehouse: Warehouse, run: RunRecord): Promise<void> {
  const { snapshot } = warehouse.storage;
  const number = snapshot === undefined ? undefined : (await warehouse.rows(`SELECT ${snapshot}`))[0]?.[0];
  await createRuns(warehouse);
  // Older versions write into the columns that they know: this one is there where mode log is used.
  const slot = run.slotWalBytes === null ? [] : [String(run.slotWalBytes)];
  if (slot.length > 0 && !(await warehouse.columnsOf(RUNS_TABLE)).has(SLOT_COLUMN))
    await warehouse.run(`ALTER TABLE ${RUNS_TABLE} ADD COLUMN ${SLOT_COLUMN} BIGINT`);
  const perSecond = (amount: number): string => String(run.seconds > 0 ? amount / run.seconds : 0);
  const failed = run.tables.filter((table) => table.error !== null).length;
  const failedBefore = await recentlyFailed(warehouse);
  const details = run.tables.filter((table) => hasNews(table) || failedBefore.has(table.key));
  const values = [
    literal(run.startedAt),
    literal(run.endedAt),
    literal(run.outcome),
    String(run.seconds),
    String(run.tableCount),
    String(failed),
    String(run.rows),
    String(run.bytes),
    perSecond(run.rows),
    perSecond(run.bytes),
    String(run.retries),
    run.error === null ? 'NULL' : literal(run.error),
    literal(JSON.stringify(details)),
    ...slot,
    ...(number === undefined ? [] : [String(number)]),
  ];
  const columns = [
    ...COLUMNS,
    ...(slot.length > 0 ? [SLOT_COLUMN] : []),
    ...(number === undefined ? [] : [SNAPSHOT_COLUMN]),
  ];
  await warehouse.run(`INSERT INTO ${RUNS_TABLE} (${columns.join(', ')}) VALUES (${values.join(', ')})`);
  // In a lake, others may add theirs at the same time, and a deletion would stand in their way: `maintain` does it there.
  if (number === undefined) await removeOldRuns(warehouse);
}

/** Keeps the newest. */
export async function removeOldRuns(warehouse: Warehouse): Promise<void> {
  await warehouse.run(
    `DELETE FROM ${RUNS_TABLE} WHERE rowid NOT IN (SELECT rowid FROM ${RUNS_TABLE} ORDER BY started DESC LIMIT ${KEPT_RUNS})`,
  );
}

async function createRuns(warehouse: Warehouse): Promise<void> {
  await warehouse.run(
    `CREATE TABLE IF NOT EXISTS ${RUNS_TABLE} (started TIMESTAMP WITH TIME ZONE, ended TIMESTAMP WITH TIME ZONE, ` +
      'outcome VARCHAR, seconds DOUBLE, tables INTEGER, failed_tables INTEGER, rows BIGINT, bytes BIGINT, ' +
      'rows_per_second DOUBLE, bytes_per_second DOUBLE, retries INTEGER, error VARCHAR, table_details VARCHAR' +
      `${warehouse.storage.snapshot === undefined ? '' : ', snapshot BIGINT'})`,
  );
}

function hasNews({ rows, seconds, retries, error }: TableRecord): boolean {
  return rows > 0 || seconds > 0 || retries > 0 || error !== null;
}

/** Runs with failures that are examined: a table that recovered must be reported so. */
const FAILED_RUNS = 20;

async function recentlyFailed(warehouse: Warehouse): Promise<ReadonlySet<string>> {
  const rows = await warehouse.rows(
    `SELECT table_details FROM ${RUNS_TABLE} WHERE failed_tables > 0 ORDER BY started DESC LIMIT ${FAILED_RUNS}`,
  );
  const tables = rows.flatMap(([details]) => JSON.parse(String(details)) as readonly TableRecord[]);
  return new Set(tables.filter(({ error }) => error !== null).map(({ key }) => key));
}

/** The totals of the runs stay, because they count what was read then. */
export async function forgetInRuns(warehouse: Warehouse, keys: readonly string[]): Promise<void> {
  if (!(await hasRuns(warehouse))) return;
  for (const [row, text] of await warehouse.rows(`SELECT rowid, table_details FROM ${RUNS_TABLE}`)) {
    const tables = JSON.parse(String(text)) as readonly TableRecord[];
    const left = tables.filter(({ key }) => !keys.includes(key));
    if (left.length < tables.length)
      await warehouse.run(
        `UPDATE ${RUNS_TABLE} SET table_details = ${literal(JSON.stringify(left))} WHERE rowid = ${String(row)}`,
      );
  }
}

async function hasRuns(warehouse: Warehouse): Promise<boolean> {
  const sql =
    "SELECT count(*) FROM duckdb_tables() WHERE schema_name = '_pgsluice' AND table_name = 'runs' AND database_name = current_database()";
  return (await warehouse.rows(sql))[0]?.[0] !== 0n;
}

/** The newest first. */
export async function readRuns(warehouse: Warehouse, limit: number): Promise<readonly RunRecord[]> {
  const slot = (await warehouse.columnsOf(RUNS_TABLE)).has(SLOT_COLUMN) ? SLOT_COLUMN : 'NULL';
  const snapshot = warehouse.storage.snapshot === undefined ? 'NULL' : SNAPSHOT_COLUMN;
  const rows = await warehouse.rows(
    `SELECT epoch_ms(started), epoch_ms(ended), outcome, seconds, rows, bytes, retries, error, tables, table_details, ${slot}, ${snapshot} FROM ${RUNS_TABLE} ORDER BY started DESC LIMIT ${limit}`,
  );
  return rows.map(
    ([
      started,
      ended,
      outcome,
      seconds,
      count,
      bytes,
      retries,
      error,
      tableCount,
      tables,
      slotWal,
      number,
    ]): RunRecord => ({
      startedAt: isoTime(started),
      endedAt: isoTime(ended),
      outcome: String(outcome) as RunRecord['outcome'],
      seconds: Number(seconds),
      rows: Number(count),
      bytes: Number(bytes),
      retries: Number(retries),
      slotWalBytes: slotWal == null ? null : Number(slotWal),
      error: typeof error === 'string' ? error : null,
      tableCount: Number(tableCount),
      tables: JSON.parse(String(tables)) as readonly TableRecord[],
      ...(typeof number === 'bigint' ? { snapshot: Number(number) } : {}),
    }),
  );
}

function isoTime(milliseconds: Scalar | undefined): string {
  return new Date(Number(milliseconds)).toISOString();
}
