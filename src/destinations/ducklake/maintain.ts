/**
 * Maintenance of a lake: few files, of rows that count, and room given back.
 *
 *   small files, and files of which much is deleted ──> rewritten, a table a transaction
 *   snapshots older than the retention ──> expired ──> files that only they had ──> deleted, when nobody can need them
 *
 * Files are rewritten by ordinary statements, not by DuckLake's compaction: of a row that another transaction deletes at the
 * same time, `ducklake_rewrite_data_files` of DuckLake 1.0 keeps a copy without a conflict (measured with DuckDB 1.5.5). A
 * rewriting takes the table's state row as a sync does, so that of the two the second fails, and tries again.
 */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { ConnectorError } from '../../common/errors';
import { catalogKind, isRemote } from '../lake-names';
import { assertYoung, literal, quoted, removeOldRuns, transactionClock, type Warehouse } from '../duckdb';
import type { DamagedTable, FreedFiles, Maintenance, MaintenanceOptions, RewrittenTable } from '../warehouse-access';
import type { LakePlace } from './catalog';
import { assertClock } from './catalog-clock';
import { LAKE_CONFLICT } from './errors';
import { filesOf, totalOf, worthRewriting, type DataFile } from './files';
import { LakeStates } from './state-rows';
import { DATA_FILE, isOurs } from './made-by-us';
import { openLake, storedDataPath } from './warehouse';

const MEMORY_BYTES = 1_000_000_000;
const ATTEMPTS = 3;
/**
 * A file is deleted so long after nothing needs it any more, and a snapshot is kept as long where others may write. No
 * transaction of ours lasts longer (`longestTransactionHours`). Where snapshots are forgotten that are newer than a
 * transaction under way, DuckLake 1.0 does not see what it conflicts with (issue 1472 of duckdb/ducklake).
 */
const GRACE_HOURS = 24;

export async function maintainLake(
  place: LakePlace,
  schema: string,
  options: MaintenanceOptions,
): Promise<Maintenance> {
  const lake = await openLake({ ...place, memoryBytes: MEMORY_BYTES, availableBytes: 0, threads: 1, mustExist: true });
  try {
    const states = new LakeStates();
    await states.make(lake, schema);
    const rewritten: RewrittenTable[] = [];
    const busy: string[] = [];
    const damaged: DamagedTable[] = [];
    for (const table of await tablesOf(lake, schema)) {
      if (options.signal.aborted) break;
      const result = await retried(() => rewrite(lake, states, { schema, table })).catch(ofTable);
      const name = `${schema}.${table}`;
      if (result === 'busy') busy.push(name);
      else if (result instanceof ConnectorError) damaged.push({ table: name, error: result });
      else if (result !== undefined) rewritten.push(result);
    }
    await retried(() => forgetOldRows(lake, states, schema));
    return { rewritten, busy, damaged, ...(await freeRoom(lake, place, options)) };
  } finally {
    await lake.close();
  }
}

/** A table that lacks a file stays as it is; the others are maintained. */
function ofTable(error: unknown): ConnectorError {
  if (error instanceof ConnectorError && error.ofTable) return error;
  throw error;
}

async function tablesOf(lake: Warehouse, schema: string): Promise<readonly string[]> {
  const rows = await lake.rows(
    `SELECT table_name FROM duckdb_tables() WHERE schema_name = ${literal(schema)} AND database_name = current_database() ORDER BY 1`,
  );
  return rows.map(([name]) => String(name));
}

interface Place {
  readonly schema: string;
  readonly table: string;
}

async function rewrite(lake: Warehouse, states: LakeStates, place: Place): Promise<RewrittenTable | undefined> {
  const files = worthRewriting(await filesOf(lake, place));
  if (files.length === 0) return undefined;
  await inTransaction(lake, async () => {
    await states.touch(lake, place.schema, place.table);
    await moveRows(lake, place, files);
  });
  const after = await filesOf(lake, place);
  const before = new Set(files.map(({ path }) => path));
  const made = after.filter(({ path }) => !before.has(path));
  return { table: `${place.schema}.${place.table}`, files: files.length, ...totalOf(files), into: made.length };
}

/** Into new files: the rows are inserted once more, then those of the old files deleted. */
async function moveRows(lake: Warehouse, { schema, table }: Place, files: readonly DataFile[]): Promise<void> {
  const name = `${quoted(schema)}.${quoted(table)}`;
  const columns = await lake.columnsOf(name);
  // DuckLake's name of a row's file, where no column of the table has it.
  const hides = [...columns.keys()].some((column) => column.toLowerCase() === 'filename');
  if (hides) {
    await lake.run(`CREATE OR REPLACE TEMP TABLE pgsluice_rewritten AS FROM ${name}`);
    await lake.run(`DELETE FROM ${name}`);
    await lake.run(`INSERT INTO ${name} FROM pgsluice_rewritten`);
    await lake.run('DROP TABLE pgsluice_rewritten');
    return;
  }
  const inFiles = `filename IN (${files.map(({ path }) => literal(path)).join(', ')})`;
  const inserted = await lake.run(`INSERT INTO ${name} SELECT * FROM ${name} WHERE ${inFiles}`);
  const deleted = await lake.run(`DELETE FROM ${name} WHERE ${inFiles}`);
  if (inserted !== deleted)
    throw new ConnectorError(
      `Of ${deleted} rows of ${schema}.${table}, ${inserted} were rewritten; nothing was kept.`,
      {
        code: 'rows_lost',
        kind: 'destination',
      },
    );
}

/** Rows of states and runs that no snapshot but old ones has. */
async function forgetOldRows(lake: Warehouse, states: LakeStates, schema: string): Promise<void> {
  await states.renewed(lake, schema, (action) => inTransaction(lake, action));
  if ((await lake.columnsOf('_pgsluice.runs')).size > 0) await inTransaction(lake, () => removeOldRuns(lake));
}

async function freeRoom(
  lake: Warehouse,
  place: LakePlace,
  { retentionHours, now }: MaintenanceOptions,
): Promise<Omit<Maintenance, 'rewritten' | 'busy' | 'damaged'>> {
  const at = (hours: number): string => `TIMESTAMPTZ '${new Date(now.getTime() - hours * 3_600_000).toISOString()}'`;
  const kind = catalogKind(place.catalog);
  if (kind === 'postgres') await assertClock(lake);
  const keptHours = kind === 'postgres' ? Math.max(retentionHours, GRACE_HOURS) : retentionHours;
  const expired = await lake.rows(
    `SELECT snapshot_id FROM ducklake_expire_snapshots(current_database(), older_than => ${at(keptHours)})`,
  );
  const [oldest] = await lake.rows('SELECT min(snapshot_id) FROM ducklake_snapshots(current_database())');
  // The process that has the file of a catalog is alone with it: nobody can be reading.
  const alone = kind === 'duckdb';
  const age = alone ? 'cleanup_all => true' : `older_than => ${at(GRACE_HOURS)}`;
  const freed = await deleted(lake, 'ducklake_cleanup_old_files', age);
  const orphans = await orphansOf(lake, age);
  const waiting = await lake.rows(
    'SELECT count(*) FROM ducklake_cleanup_old_files(current_database(), dry_run => true, cleanup_all => true)',
  );
  return {
    expiredSnapshots: expired.length,
    oldestSnapshot: Number(oldest?.[0]),
    deleted: freed,
    ...orphans,
    waitingFiles: Number(waiting[0]?.[0]),
    graceHours: alone ? 0 : GRACE_HOURS,
  };
}

/**
 * Files that no snapshot has. DuckLake takes everything below the data path for the lake's, so they are deleted only where
 * that is true. `age`: as for `deleted`.
 */
async function orphansOf(lake: Warehouse, age: string): Promise<Pick<Maintenance, 'orphaned' | 'foreignFiles'>> {
  const name = 'ducklake_delete_orphaned_files';
  const listed = await lake.rows(`SELECT path FROM ${name}(current_database(), dry_run => true, ${age})`);
  const paths = listed.map(([path]) => String(path));
  const foreign = (await isOurs(lake)) ? paths.filter((path) => !DATA_FILE.test(basename(path))) : paths;
  if (foreign.length > 0) return { orphaned: { files: 0, bytes: 0 }, foreignFiles: foreign };
  return { orphaned: await deleted(lake, name, age), foreignFiles: [] };
}

/** `age`: which files, as DuckLake's function takes it. */
async function deleted(lake: Warehouse, name: string, age: string): Promise<FreedFiles> {
  const remote = isRemote(await storedDataPath(lake));
  const listed = await lake.rows(`SELECT path FROM ${name}(current_database(), dry_run => true, ${age})`);
  const sizes = remote ? [] : listed.map(([path]) => statSync(String(path), { throwIfNoEntry: false })?.size ?? 0);
  const gone = await lake.rows(`SELECT path FROM ${name}(current_database(), ${age})`);
  return { files: gone.length, bytes: remote ? undefined : sizes.reduce((sum, size) => sum + size, 0) };
}

async function inTransaction(lake: Warehouse, action: () => Promise<void>): Promise<void> {
  const begun = transactionClock();
  await lake.run('BEGIN TRANSACTION');
  try {
    await action();
    assertYoung(lake, begun);
  } catch (error) {
    await lake.endTransaction('ROLLBACK').catch(() => undefined);
    throw error;
  }
  await lake.endTransaction('COMMIT');
}

/** A sync may commit to the same table meanwhile: then its rows are other ones, and in other files. */
async function retried<T>(action: () => Promise<T>): Promise<T | 'busy'> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== LAKE_CONFLICT) throw error;
      if (attempt >= ATTEMPTS) return 'busy';
    }
  }
}
