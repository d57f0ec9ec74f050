/**
 * Finds out whether a table without a key holds what it held at its last load, before anything of it is read or written.
 * Its rows may have been rewritten with the same values, by an UPDATE or by a job that fills the table anew.
 */
import { addChecksums, checksumText, EMPTY_CHECKSUM, type Checksum } from '../../model/checksum';
import type { TableState } from '../../model/sync-state';
import { contentStatement, parseContent } from '../../postgres/checksum';
import { readCount, statesUnder, withTransaction } from '../../postgres/read';
import type { TableRun } from '../plan';
import { startOfPass } from './pass-preparation';
import type { ProcessorOptions } from './processor-options';
import { eachRange, type RangeOfRelation, type SharedSnapshot } from './ranges-in-parallel';
import { takeSnapshot } from './take-snapshot';

/** A statement over more would run longer than 0.2 s. */
const COUNTED_AT_ONCE = { rows: 1_000_000, bytes: 64_000_000 };
const DIGESTED_AT_ONCE = { rows: 60_000, bytes: 8_000_000 };

/** What is known of the content of a load; undefined where the destination could not tell. */
export function contentMark({ selection }: TableRun, content: string | undefined): string | undefined {
  // Where NULL is not allowed, the mark of NULL may be a text.
  return content === undefined ? undefined : [content, ...selection.columns.map(nullability)].join('');
}

const nullability = ({ nullable }: { readonly nullable: boolean }): string => (nullable ? 'n' : '.');

/** The state that describes the table as it is now; undefined: it must be loaded, as far as is known. */
export async function stateOfSameContent(run: TableRun, options: ProcessorOptions): Promise<TableState | undefined> {
  const { committed, pass } = run;
  if (committed?.content === undefined || pass.kind !== 'full-load' || pass.unlessUnchanged !== true) return undefined;
  if (run.destinationTable.primaryKey.length > 0) return undefined;
  if (!run.planned.table.relations.every(({ rangeReadable }) => rangeReadable)) return undefined;
  const signal = AbortSignal.any([options.signal, run.stopSignal]);
  return await withTransaction(options.manager, signal, async (session) => {
    const snapshot = await takeSnapshot(run, session, signal);
    const shared: SharedSnapshot = { session, snapshot, signal };
    // A count costs a tenth of a digest.
    if ((await countSource(run, options, shared)) !== committed.rows) return undefined;
    const content = await digestSource(run, options, shared);
    if (contentMark(run, checksumText(content)) !== committed.content) return undefined;
    const [held] = (await options.writer.countTables([run])) ?? [];
    if (held !== committed.rows) return undefined;
    const { relations } = run.planned.table;
    const states = await statesUnder(session, snapshot, relations, signal);
    return {
      ...committed,
      lastSyncedAt: startOfPass(run),
      description: run.description,
      xmin: snapshot.xmin,
      relations: relations.map(({ oid }) => ({ oid, fileNode: states.get(oid)?.fileNode ?? '' })),
      passesSinceReconcile: 0,
      load: null,
    };
  });
}

async function countSource(run: TableRun, options: ProcessorOptions, shared: SharedSnapshot): Promise<number> {
  let rows = 0;
  const { conditions } = run.selection;
  await eachRange(run, options, shared, COUNTED_AT_ONCE, async (session, part) => {
    rows += await readCount(session, { ...part, conditions, signal: shared.signal });
  });
  return rows;
}

async function digestSource(run: TableRun, options: ProcessorOptions, shared: SharedSnapshot): Promise<Checksum> {
  let sum = EMPTY_CHECKSUM;
  const { columns, conditions } = run.selection;
  const encoding = options.serverEncoding === 'UTF8' ? 'UTF8' : 'other';
  const doing = `comparing the content of ${run.key}`;
  await eachRange(run, options, shared, DIGESTED_AT_ONCE, async (session, { relation, range }: RangeOfRelation) => {
    const statement = contentStatement({ relation, columns, conditions, encoding }, range);
    const [row] = await session.queryRepeated(statement, { doing, reads: run.key, signal: shared.signal });
    sum = addChecksums(sum, parseContent(row, doing));
  });
  return sum;
}
