/** The Parquet files of a table, and which of them are worth to be rewritten. */
import { literal, quoted, type Warehouse } from '../duckdb';

export interface DataFile {
  readonly path: string;
  readonly bytes: number;
  readonly rows: number;
  /** The rows that count. */
  readonly liveRows: number;
  readonly deleteFile: boolean;
}

/** Smaller ones are merged where there are several. */
const SMALL_BYTES = 16 * 1024 * 1024;
/** Where more of a file is deleted, it is rewritten. */
const MOST_DELETED = 0.05;
/** The most of one transaction, which needs as much room on the disk beside what is there. */
const MOST_BYTES = 4 * 1024 * 1024 * 1024;

export async function filesOf(
  lake: Warehouse,
  { schema, table }: { readonly schema: string; readonly table: string },
): Promise<readonly DataFile[]> {
  const listed = await lake.rows(
    'SELECT data_file, data_file_size_bytes, delete_file IS NOT NULL ' +
      `FROM ducklake_list_files(current_database(), ${literal(table)}, schema => ${literal(schema)})`,
  );
  if (listed.length === 0) return [];
  const paths = listed.map(([path]) => literal(String(path)));
  const counted = await lake.rows(`SELECT file_name, num_rows FROM parquet_file_metadata([${paths.join(', ')}])`);
  const rows = new Map(counted.map(([path, count]) => [String(path), Number(count)]));
  const name = `${quoted(schema)}.${quoted(table)}`;
  const withDeletes = listed.some(([, , deletes]) => deletes === true);
  // A column of that name hides DuckLake's own: then every file counts as whole.
  const hides = [...(await lake.columnsOf(name)).keys()].some((column) => column.toLowerCase() === 'filename');
  const live = new Map(
    withDeletes && !hides
      ? (await lake.rows(`SELECT filename, count(*) FROM ${name} GROUP BY 1`)).map(([path, count]) => [
          String(path),
          Number(count),
        ])
      : [],
  );
  return listed.map(([path, bytes, deletes]) => {
    const file = String(path);
    const all = rows.get(file) ?? 0;
    return {
      path: file,
      bytes: Number(bytes),
      rows: all,
      liveRows: withDeletes && !hides ? (live.get(file) ?? 0) : all,
      deleteFile: deletes === true,
    };
  });
}

/** Those that become fewer or smaller by it; none where they are as they should be. */
export function worthRewriting(files: readonly DataFile[]): readonly DataFile[] {
  const isSmall = ({ bytes }: DataFile): boolean => bytes < SMALL_BYTES;
  const isWorn = ({ rows, liveRows }: DataFile): boolean => rows - liveRows > rows * MOST_DELETED;
  const chosen: DataFile[] = [];
  let bytes = 0;
  for (const file of files.filter((each) => isSmall(each) || isWorn(each))) {
    if (chosen.length > 0 && bytes + file.bytes > MOST_BYTES) break;
    chosen.push(file);
    bytes += file.bytes;
  }
  const [only] = chosen;
  return chosen.length === 1 && only !== undefined && !isWorn(only) ? [] : chosen;
}

export function totalOf(files: readonly DataFile[]): { readonly bytes: number; readonly rows: number } {
  return {
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    rows: files.reduce((sum, { liveRows }) => sum + liveRows, 0),
  };
}
