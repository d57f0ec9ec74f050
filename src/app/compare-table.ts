/** Compares one table of the source with its copy: a step that `verify` and the proofs within a sync share. */
import type { Settings } from '../config/settings';
import { destinationColumnNames } from '../destinations/naming';
import type { StoredTables } from '../destinations/stored-table';
import type { PlannedTable } from '../model/plan';
import type { TableState } from '../model/sync-state';
import type { TableSchema } from '../model/table';
import type { TableVerification } from '../model/verification';
import type { ConnectionManager } from '../postgres/connection';
import { rangesThroughRoot, type ServerFacts } from '../postgres/catalog';
import { BYTES_AS_NUMBERS_SINCE, withoutZeroSigns } from '../postgres/checksum';
import { TableSnapshot } from '../engine/passes';
import { otherRules, shapeOf } from '../engine/plan';
import { applyTransformations, BUILT_IN_TRANSFORMATIONS, type TransformationModule } from '../engine/rules';
import { VerifySource, verifyTable, type NewerRows, type TableComparison } from '../engine/verify';

export const READERS_PER_TABLE = 2;

export interface TableComparer {
  readonly settings: Settings;
  readonly manager: ConnectionManager;
  readonly warehouse: Pick<StoredTables, 'table' | 'keepsZeroSigns'>;
  readonly module: TransformationModule;
  readonly server: Pick<ServerFacts, 'encoding' | 'versionNumber'>;
  /** Runs one question to the warehouse at a time. */
  readonly exclusively: <T>(action: () => Promise<T>) => Promise<T>;
  /** Rows to show. */
  readonly show: number;
  /** Share of the table to read; 1: all. */
  readonly sample: number;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

export type Comparison = Omit<TableComparison, 'checksum'> & Pick<TableVerification, 'proof'>;

export interface ComparedTable {
  readonly comparison: Comparison;
  /** Which rows of the source are newer than the last sync of a table that differs. */
  readonly newer?: NewerRows;
}

/** `name`: in the warehouse; `state`: of the table's last complete sync. */
export async function compareTable(
  comparer: TableComparer,
  planned: PlannedTable,
  name: string,
  state: TableState,
): Promise<ComparedTable> {
  const { settings, manager, module, exclusively, show, sample, random, signal } = comparer;
  const { table } = planned;
  const rules = [...BUILT_IN_TRANSFORMATIONS, ...(module.transformations ?? [])];
  const selected = applyTransformations(table, rules, settings.region);
  const { keepsZeroSigns } = comparer.warehouse;
  const selection = keepsZeroSigns ? selected : { ...selected, columns: withoutZeroSigns(selected.columns) };
  const changed = state.shape === null ? [] : otherRules(state.shape, shapeOf(table, selection.columns));
  if (changed.length > 0)
    return { comparison: different(`It was synced under other rules of "columns": ${changed.join(', ')}.`) };
  const columns = selection.columns.map((column) => column.name);
  const names = destinationColumnNames(columns, settings.naming);
  const nameOf = (column: string): string => names[columns.indexOf(column)] ?? column;
  const storedColumns = selection.columns.map(({ type }, index) => ({ name: names[index] ?? '', type }));
  const stored = await exclusively(() =>
    comparer.warehouse.table({
      schema: settings.destinationSchema,
      name,
      columns: storedColumns,
      primaryKey: table.primaryKey.map(nameOf),
    }),
  );
  if (stored === undefined)
    return { comparison: different(`The warehouse lacks the table ${settings.destinationSchema}.${name}.`) };
  const missing = stored.missingColumns;
  if (missing.length > 0)
    return { comparison: different(`The warehouse lacks columns of the source: ${missing.join(', ')}.`) };
  const readers = Math.min(READERS_PER_TABLE, settings.customThreads ?? planned.threads);
  const asked = throughTheTable(table);
  return await TableSnapshot.with({ manager, table: asked, readers, signal }, async (snapshot) => {
    const source = new VerifySource(snapshot, {
      selection,
      primaryKey: table.primaryKey,
      encoding: comparer.server.encoding === 'UTF8' ? 'UTF8' : 'other',
      readsBytesAsNumbers: comparer.server.versionNumber >= BYTES_AS_NUMBERS_SINCE,
      syncXmin: state.xmin,
      // Views and foreign tables have no pages.
      hasXmin:
        table.throughRoot === undefined &&
        table.relations.every(({ blocks, withoutSystemColumns }) => blocks > 0 && withoutSystemColumns !== true),
      batchRows: planned.batchRows,
      batchBytes: settings.batchBytes,
      signal,
    });
    const wishes = { columns: selection.columns, primaryKey: table.primaryKey, show, sample, random, exclusively };
    const { checksum, ...comparison } = await verifyTable(source, stored, wishes);
    if (comparison.outcome === 'different') return { comparison, newer: await source.newer() };
    if (checksum === undefined) return { comparison };
    const { lastSyncedAt } = state;
    const proof = { columns: storedColumns, checksum, snapshotXmin: snapshot.xmin, lastSyncedAt };
    return { comparison: { ...comparison, proof } };
  });
}

/**
 * The table as a user selects from it. A sync may read its partitions one by one, and a comparison that did the same
 * would not see what that loses.
 */
function throughTheTable(table: TableSchema): TableSchema {
  if (table.throughRoot !== undefined || (table.kind !== 'table' && table.kind !== 'partitioned')) return table;
  return { ...table, relations: [rangesThroughRoot(table, table.relations)] };
}

export function different(problem: string): TableComparison {
  return { outcome: 'different', sourceRows: null, warehouseRows: null, sample: 1, problem };
}
