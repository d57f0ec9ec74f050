/**
 * Takes the keys of all rows in the scan of a pass over changes, where rows have probably been deleted: else they would
 * need a scan of their own after the rows were counted. The destination makes ready for them while the server scans.
 *
 * The server's statistics say that rows were deleted since the last pass. They may be late or wrong, so they decide how
 * deleted rows are found, never whether there are any.
 */
import { PackedBatch, type PackedColumn } from '../../model/packed-batch';
import type { RelationMark } from '../../model/sync-state';
import type { SelectColumn } from '../../postgres/read';
import type { TableRun } from '../plan';
import type { Writer } from '../write';
import { allKeysAreLess, keyColumns } from './key-comparison';
import type { PassBeginning } from './pass-beginning';

export class ScannedKeys {
  private rows = 0;

  private constructor(
    private readonly writer: Writer,
    private readonly run: TableRun,
    /** The key, which travels as digits. */
    readonly column: SelectColumn,
    private readonly begun: Promise<void>,
  ) {}

  /** undefined: the pass only counts. `beginning` is that of a pass that has read nothing yet. */
  static begin(writer: Writer, run: TableRun, beginning: PassBeginning): ScannedKeys | undefined {
    const column = wholeNumberKey(run);
    if (column === undefined || beginning.hasBegun || !mayBeGone(run, beginning.relations)) return undefined;
    void beginning.begin();
    const begun = writer.beginKeys(run);
    // The reader that takes keys sees the failure.
    begun.catch(() => undefined);
    return new ScannedKeys(writer, run, column, begun);
  }

  /** How many were taken. */
  get count(): number {
    return this.rows;
  }

  async take(keys: PackedColumn): Promise<void> {
    this.rows += keys.rowCount;
    await this.begun;
    await this.writer.keys(this.run, new PackedBatch(keys.rowCount, [keys], keys.text.length));
  }
}

/** Other keys may hold what separates values, and would have to be read again. */
function wholeNumberKey(run: TableRun): SelectColumn | undefined {
  const { table } = run.planned;
  if (table.primaryKey.length !== 1 || !table.relations.every(({ rangeReadable }) => rangeReadable)) return undefined;
  if (!allKeysAreLess(table.relations.reduce((sum, { rows }) => sum + rows, 0))) return undefined;
  const [column] = keyColumns(run);
  const kind = column?.binary?.kind;
  return kind === 'int16' || kind === 'int32' || kind === 'int64' ? column : undefined;
}

function mayBeGone({ pass, committed }: TableRun, relations: readonly RelationMark[]): boolean {
  if (pass.kind !== 'by-xmin' || pass.proof === 'none') return false;
  if (pass.proof === 'keys') return true;
  const known = new Map(committed?.relations.map(({ oid, deletes }) => [oid, deletes]));
  return relations.some(({ oid, deletes }) => {
    const before = known.get(oid);
    return before !== undefined && deletes !== undefined && before !== deletes;
  });
}
