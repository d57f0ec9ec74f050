/**
 * Compares one table with its copy in the warehouse.
 *
 *   checksum of all rows, both sides ──> equal: done
 *     └─> different: checksums by group of keys ──> which groups differ
 *           └─> the rows of those groups, or of as many as fit, one by one ──> key, column, both values
 *
 * All passes over the source see one snapshot.
 */
import { counted } from '../../common/counted';
import { settleAll } from '../../common/settle-all';
import { CELL_END, MOST_GROUP_BITS, sameChecksum, type Checksum, type GroupChecksums } from '../../model/checksum';
import type { ColumnType } from '../../model/column-type';
import type { RowDifference, TableDifference, TableVerification } from '../../model/verification';
import type { StoredTable } from '../../destinations/stored-table';
import { shownValue } from './canonical-value';
import type { SourceRow, VerifySource } from './verify-source';

export interface VerifyTableOptions {
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  /** Source names; empty: the whole row tells rows apart. */
  readonly primaryKey: readonly string[];
  /** Number of rows to show. */
  readonly show: number;
  /** 1: the whole table. */
  readonly sample: number;
  readonly random: () => number;
  /** Runs one question to the warehouse at a time. */
  readonly exclusively: <T>(action: () => Promise<T>) => Promise<T>;
}

export type TableComparison = Pick<
  TableVerification,
  'outcome' | 'sourceRows' | 'warehouseRows' | 'sample' | 'problem' | 'difference'
> & {
  /** The checksum of all rows, the same on both sides. */
  readonly checksum?: Checksum;
};

/** Rows of a group, on average: few enough to look at one by one. */
const GROUP_ROWS = 250;
/** Rows that are held in memory, from both sides, to look at one by one. */
const EXAMINED_ROWS = 20_000;
/** Keys of a sample that are looked up at once. */
const LOOKUP_ROWS = 200_000;

export async function verifyTable(
  source: VerifySource,
  warehouse: StoredTable,
  options: VerifyTableOptions,
): Promise<TableComparison> {
  if (options.sample < 1) return await compareSample(source, warehouse, options);
  const readSource = async () => {
    const totals = await source.groups(0);
    return { totals, other: await source.otherCount() };
  };
  const [{ totals: sourceTotals, other }, warehouseTotal] = await settleAll([
    readSource(),
    options.exclusively(() => warehouse.total()),
  ]);
  const sourceTotal = sourceTotals.get(0) ?? { rows: 0, high: 0n, low: 0n };
  const counts = { sourceRows: sourceTotal.rows, warehouseRows: warehouseTotal.rows, sample: 1 };
  if (other !== undefined) return { outcome: 'different', ...counts, problem: miscounted(other) };
  if (sameChecksum(sourceTotal, warehouseTotal)) return { outcome: 'equal', ...counts, checksum: sourceTotal };
  const bits = groupBits(Math.max(sourceTotal.rows, warehouseTotal.rows));
  const [sourceGroups, warehouseGroups] = await settleAll([
    source.groups(bits),
    options.exclusively(() => warehouse.groups(bits)),
  ]);
  const groups = differentGroups(sourceGroups, warehouseGroups);
  const examined = affordableGroups(groups, sourceGroups, warehouseGroups);
  const [sourceRows, warehouseRows] = await settleAll([
    source.rowsOf(examined, bits),
    options.exclusively(() => warehouse.rowsOf(examined, bits)),
  ]);
  const rows = compareRows(sourceRows, warehouseRows, options);
  const difference = {
    groupsDifferent: groups.length,
    groups: 2 ** bits,
    complete: examined.length === groups.length,
    ...rows,
  };
  return { outcome: 'different', ...counts, difference };
}

/**
 * Looks up rows from all over the source by key. It finds missing and changed rows, but not rows that only the
 * warehouse has.
 */
async function compareSample(
  source: VerifySource,
  warehouse: StoredTable,
  options: VerifyTableOptions,
): Promise<TableComparison> {
  const sample = await source.sample(options.sample, options.random);
  let missing = 0;
  let changed = 0;
  for (let at = 0; at < sample.rows; at += LOOKUP_ROWS) {
    const keys = sample.keys.slice(at, at + LOOKUP_ROWS);
    const found = await options.exclusively(() =>
      warehouse.countDifferent(keys, sample.digests.slice(at, at + LOOKUP_ROWS)),
    );
    missing += found.missing;
    changed += found.changed;
  }
  const counts = {
    sourceRows: sample.rows,
    warehouseRows: await options.exclusively(() => warehouse.count()),
    sample: options.sample,
  };
  if (missing + changed === 0) return { outcome: 'equal', ...counts };
  const problem = `Of ${counted(sample.rows, 'row')} looked up, the warehouse lacks ${missing} and has ${changed} otherwise.`;
  return { outcome: 'different', ...counts, problem };
}

function miscounted({ counted: said, read }: { readonly counted: number; readonly read: number }): string {
  return `The table says that it has ${counted(said, 'row')}, and ${read} were read of it under the same snapshot.`;
}

function groupBits(rows: number): number {
  return Math.min(MOST_GROUP_BITS, Math.max(0, Math.ceil(Math.log2(Math.max(1, rows) / GROUP_ROWS))));
}

function differentGroups(source: GroupChecksums, warehouse: GroupChecksums): number[] {
  const all = new Set([...source.keys(), ...warehouse.keys()]);
  return [...all].filter((group) => {
    const [left, right] = [source.get(group), warehouse.get(group)];
    return left === undefined || right === undefined || !sameChecksum(left, right);
  });
}

/** As many of the groups as memory allows, at least one. */
function affordableGroups(groups: readonly number[], source: GroupChecksums, warehouse: GroupChecksums): number[] {
  let rows = 0;
  return groups.filter((group, index) => {
    rows += (source.get(group)?.rows ?? 0) + (warehouse.get(group)?.rows ?? 0);
    return index === 0 || rows <= EXAMINED_ROWS;
  });
}

type ComparedRows = Omit<TableDifference, 'groupsDifferent' | 'groups' | 'complete'>;
type Values = readonly (string | null)[];

function compareRows(
  source: readonly SourceRow[],
  warehouse: readonly Values[],
  options: VerifyTableOptions,
): ComparedRows {
  const { primaryKey, show } = options;
  const columns = options.columns.map(({ name }) => name);
  const shown = (values: Values, index: number): string | null => {
    const type = options.columns[index]?.type;
    const value = values[index] ?? null;
    return type === undefined ? value : shownValue(value, type);
  };
  const keyIndexes = (primaryKey.length === 0 ? columns : primaryKey).map((name) => columns.indexOf(name));
  const keyOf = (values: Values): string =>
    keyIndexes.map((index) => JSON.stringify(values[index] ?? null)).join(CELL_END);
  const unmatched = new Map<string, Values[]>();
  for (const values of warehouse) {
    const key = keyOf(values);
    unmatched.set(key, [...(unmatched.get(key) ?? []), values]);
  }
  const counts = { only_in_source: 0, only_in_warehouse: 0, changed: 0 };
  const columnCounts = new Map<string, number>();
  const rows: RowDifference[] = [];
  let sinceSync = 0;
  const report = (
    kind: RowDifference['kind'],
    values: Values,
    more: Pick<RowDifference, 'values' | 'sinceSync'>,
  ): void => {
    counts[kind] += 1;
    if (more.sinceSync) sinceSync += 1;
    if (rows.length >= show) return;
    const key = Object.fromEntries(keyIndexes.map((index) => [columns[index] ?? '', shown(values, index)]));
    rows.push({ kind, key, ...more });
  };
  for (const row of source) {
    const key = keyOf(row.values);
    const candidates = unmatched.get(key);
    const match = candidates?.shift();
    if (candidates?.length === 0) unmatched.delete(key);
    if (match === undefined) {
      report('only_in_source', row.values, { values: [], sinceSync: row.sinceSync });
      continue;
    }
    const values = columns.flatMap((column, index) => {
      if ((row.values[index] ?? null) === (match[index] ?? null)) return [];
      return [{ column, source: shown(row.values, index), warehouse: shown(match, index) }];
    });
    if (values.length === 0) continue;
    for (const { column } of values) columnCounts.set(column, (columnCounts.get(column) ?? 0) + 1);
    report('changed', row.values, { values, sinceSync: row.sinceSync });
  }
  for (const left of unmatched.values())
    for (const values of left) report('only_in_warehouse', values, { values: [], sinceSync: false });
  return {
    onlyInSource: counts.only_in_source,
    onlyInWarehouse: counts.only_in_warehouse,
    changed: counts.changed,
    sinceSync,
    columns: Object.fromEntries(columnCounts),
    rows,
  };
}
