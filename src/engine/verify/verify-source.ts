/**
 * The source's side of a comparison. The server computes hashes, one range of rows per statement. Where a rule in
 * JavaScript changes rows on their way, they are read as a sync reads them and hashed here.
 */
import { addChecksums, checksum, EMPTY_CHECKSUM, type Checksum, type GroupChecksums } from '../../model/checksum';
import type { PackedBatch } from '../../model/packed-batch';
import type { Relation } from '../../model/table';
import { readRange, BatchSizer, readCursor, type SelectColumn } from '../../postgres/read';
import {
  canonicalText,
  groupChecksumsStatement,
  parseGroupChecksums,
  rowDigest,
  rowGroup,
  type ChecksumQuery,
} from '../../postgres/checksum';
import type { Session } from '../../postgres/connection';
import { applyBatchRules, type TableSelection } from '../rules';
import { canonicalValue, digestOf, encodeRow, type Digest } from './canonical-value';
import { changedSince, type TableSnapshot } from '../passes';
import type { Partition } from '../plan';

export interface SourceRow {
  /** Canonical texts in the order of the columns. */
  readonly values: readonly (string | null)[];
  readonly sinceSync: boolean;
}

/**
 * Which rows of the source are newer than the table's last pass: `by row` where each row says so; else how many are
 * newer; undefined where nothing tells.
 */
export type NewerRows = 'by row' | number | undefined;

export interface SourceSample {
  readonly rows: number;
  /** MD5 of each row's key, and of the row, as hex. */
  readonly keys: readonly string[];
  readonly digests: readonly string[];
}

export interface VerifySourceOptions {
  readonly selection: TableSelection;
  /** Columns of the key in the selection; empty: the whole row tells rows apart. */
  readonly primaryKey: readonly string[];
  readonly encoding: ChecksumQuery['encoding'];
  readonly readsBytesAsNumbers: ChecksumQuery['readsBytesAsNumbers'];
  /** The last sync's snapshot: newer rows are marked. */
  readonly syncXmin: string | null;
  /** Rows have transaction ids: the relation is no view and no foreign table. */
  readonly hasXmin: boolean;
  readonly batchRows: number;
  readonly batchBytes: number;
  readonly signal: AbortSignal;
}

/** Rows of one statement that returns nothing but sums. It takes longer than a batch's, but far less than a second. */
const STATEMENT_ROWS = 20_000;
const STATEMENT_BYTES = 16_000_000;
/** A sample of a few large pieces would say little about the other rows. */
const SAMPLE_ROWS = 1_000;

export class VerifySource {
  private readonly keyColumns: readonly SelectColumn[];
  /** The rows before rules in JavaScript, from which the last checksums were made. */
  private rowsRead = 0;

  constructor(
    private readonly snapshot: TableSnapshot,
    private readonly options: VerifySourceOptions,
  ) {
    const { selection, primaryKey } = options;
    this.keyColumns =
      primaryKey.length === 0
        ? selection.columns
        : primaryKey.flatMap((name) => selection.columns.find((column) => column.name === name) ?? []);
  }

  /** The table's own count, where it differs from the rows that were read here. */
  async otherCount(): Promise<{ readonly counted: number; readonly read: number } | undefined> {
    const counted = await this.snapshot.count(this.options.selection.conditions);
    return counted === undefined || counted === this.rowsRead ? undefined : { counted, read: this.rowsRead };
  }

  /** Which rows are newer than the last sync. */
  async newer(): Promise<NewerRows> {
    const { selection, syncXmin, hasXmin } = this.options;
    if (syncXmin === null || !hasXmin) return undefined;
    // A standby that lags shows the table as of before the sync.
    if (BigInt(this.snapshot.xmin) < BigInt(syncXmin)) return undefined;
    if (!this.hashesHere) return 'by row';
    return await this.snapshot.count([...selection.conditions, changedSince(syncXmin)]);
  }

  async groups(bits: number): Promise<GroupChecksums> {
    this.rowsRead = 0;
    const sums = new Map<number, Checksum>();
    const add = (group: number, sum: Checksum): void =>
      void sums.set(group, addChecksums(sums.get(group) ?? EMPTY_CHECKSUM, sum));
    await this.snapshot.each(this.snapshot.partitions(statementRows), async (session, partition) => {
      if (this.hashesHere) {
        for await (const batch of this.read(session, partition, this.options.selection.columns, [])) {
          this.rowsRead += batch.rowCount;
          for (const row of this.rulesApplied(batch)) {
            const { high, low } = this.digest(row);
            add(bits === 0 ? 0 : this.keyDigest(row).start >> (16 - bits), checksum(1, high, low));
          }
        }
      } else if (partition.range === null) {
        const columns = [
          hexColumn(rowDigest(this.query(partition.relation))),
          hexColumn(this.groupText(partition, bits)),
        ];
        for await (const batch of this.read(session, partition, columns, [])) {
          this.rowsRead += batch.rowCount;
          const [digests = [], groups = []] = batch.columns.map((column) => column.values());
          for (const [index, digest] of digests.entries()) {
            const hex = digest ?? '';
            add(Number(groups[index]), checksum(1, BigInt(`0x${hex.slice(0, 16)}`), BigInt(`0x${hex.slice(16)}`)));
          }
        }
      } else {
        const statement = groupChecksumsStatement(this.query(partition.relation), partition.range, bits);
        const [row] = await session.queryRepeated(statement, {
          doing: doing(partition.relation),
          signal: this.options.signal,
        });
        for (const [group, sum] of parseGroupChecksums(row, doing(partition.relation))) {
          this.rowsRead += sum.rows;
          add(group, sum);
        }
      }
    });
    return sums;
  }

  /** The rows of some groups. */
  async rowsOf(groups: readonly number[], bits: number): Promise<SourceRow[]> {
    const wanted = new Set(groups);
    const rows: SourceRow[] = [];
    await this.snapshot.each(this.snapshot.partitions(statementRows), async (session, partition) => {
      if (this.hashesHere) {
        for await (const batch of this.read(session, partition, this.options.selection.columns, [])) {
          for (const values of this.rulesApplied(batch)) {
            if (wanted.has(this.keyDigest(values).start >> (16 - bits))) rows.push({ values, sinceSync: false });
          }
        }
        return;
      }
      const columns = this.options.selection.columns.map((column) => ({
        ...column,
        textExpression: canonicalText(column),
      }));
      const { syncXmin, hasXmin } = this.options;
      const since = syncXmin === null || !hasXmin ? 'false' : changedSince(syncXmin);
      const condition = `${rowGroup(this.query(partition.relation), bits)} IN (${groups.join(', ')})`;
      for await (const batch of this.read(
        session,
        partition,
        [...columns, hexColumn(`(${since})::text`)],
        [condition],
      )) {
        const flags = batch.columns.at(-1)?.values() ?? [];
        for (const [index, values] of rowsIn(batch, columns.length).entries())
          rows.push({ values, sinceSync: flags[index] === 'true' });
      }
    });
    return rows;
  }

  /** Reads about this share of the rows, in pieces from all over the table, at least one piece. */
  async sample(share: number, random: () => number): Promise<SourceSample> {
    const all = this.snapshot.partitions(() => SAMPLE_ROWS);
    const chosen = all.filter((partition) => partition.range === null || random() < share);
    const piece = all[Math.floor(random() * all.length)];
    const partitions = chosen.length === 0 && piece !== undefined ? [piece] : chosen;
    const keys: string[] = [];
    const digests: string[] = [];
    await this.snapshot.each(partitions, async (session, partition) => {
      const conditions = partition.range === null ? [`random() < ${share}`] : [];
      if (this.hashesHere) {
        for await (const batch of this.read(session, partition, this.options.selection.columns, conditions)) {
          for (const row of this.rulesApplied(batch)) {
            keys.push(hexOf(this.keyDigest(row)));
            digests.push(hexOf(this.digest(row)));
          }
        }
        return;
      }
      const query = this.query(partition.relation);
      const columns = [hexColumn(rowDigest({ ...query, columns: this.keyColumns })), hexColumn(rowDigest(query))];
      for await (const batch of this.read(session, partition, columns, conditions)) {
        const [keyDigests = [], rowDigests = []] = batch.columns.map((column) => column.values());
        for (const [index, key] of keyDigests.entries()) {
          keys.push(key ?? '');
          digests.push(rowDigests[index] ?? '');
        }
      }
    });
    return { rows: keys.length, keys, digests };
  }

  private get hashesHere(): boolean {
    return this.options.selection.batchRules.length > 0;
  }

  private query(relation: Relation): ChecksumQuery {
    const { selection, encoding, readsBytesAsNumbers } = this.options;
    const { columns, conditions } = selection;
    return { relation, columns, key: this.keyColumns, conditions, encoding, readsBytesAsNumbers };
  }

  private groupText(partition: Partition, bits: number): string {
    return bits === 0 ? `'0'` : `${rowGroup(this.query(partition.relation), bits)}::text`;
  }

  private async *read(
    session: Session,
    { relation, range }: Partition,
    columns: readonly SelectColumn[],
    conditions: readonly string[],
  ): AsyncGenerator<PackedBatch, void, void> {
    const { selection, batchRows, batchBytes, signal } = this.options;
    const read = {
      relation,
      columns,
      conditions: [...selection.conditions, ...conditions],
      batchBytes,
      batchRows: () => batchRows,
      signal,
    };
    if (range === null) {
      yield* readCursor(session, read);
      return;
    }
    const sizer = new BatchSizer({
      estimatedRows: relation.rows,
      blocks: relation.blocks,
      bytes: relation.bytes,
      batchBytes,
    });
    for await (const { batch } of readRange(session, { ...read, range, sizer })) yield batch;
  }

  /** Rows of canonical texts, after the rules in JavaScript. */
  private rulesApplied(batch: PackedBatch): (string | null)[][] {
    const { columns, batchRules } = this.options.selection;
    const changed = applyBatchRules(batch, columns, batchRules);
    return rowsIn(changed, columns.length).map((values) =>
      values.map((value, index) => canonicalValue(value, columns[index]?.type ?? { kind: 'string' })),
    );
  }

  private digest(values: readonly (string | null)[]): Digest {
    return digestOf(
      encodeRow(
        values,
        this.options.selection.columns.map((column) => column.type),
      ),
    );
  }

  private keyDigest(values: readonly (string | null)[]): Digest {
    const { columns } = this.options.selection;
    const key = this.keyColumns.map((column) => values[columns.indexOf(column)] ?? null);
    return digestOf(
      encodeRow(
        key,
        this.keyColumns.map((column) => column.type),
      ),
    );
  }
}

/** A column of hexadecimal digits or the like, which contains no control character. */
function hexColumn(textExpression: string): SelectColumn {
  return { name: '', type: { kind: 'int64' }, textExpression, nullable: false };
}

function rowsIn(batch: PackedBatch, columns: number): (string | null)[][] {
  const values = batch.columns.slice(0, columns).map((column) => column.values());
  return Array.from({ length: batch.rowCount }, (_, row) => values.map((column) => column[row] ?? null));
}

function hexOf({ high, low }: Digest): string {
  return high.toString(16).padStart(16, '0') + low.toString(16).padStart(16, '0');
}

function statementRows(relation: Relation): number {
  const bytesPerRow = relation.bytes / Math.max(relation.rows, 1);
  return Math.max(1, Math.min(STATEMENT_ROWS, STATEMENT_BYTES / Math.max(bytesPerRow, 1)));
}

function doing(relation: Relation): string {
  return `comparing ${relation.schema}.${relation.name}`;
}
