/** Groups tables by their mode and the reason for it, to print one line per group rather than per table. */
import type { SyncMode } from '../../model/sync-state';

export interface ModeGroup {
  readonly mode: SyncMode;
  readonly reason: string;
  /** `schema.table`, in the order given. */
  readonly tables: readonly string[];
}

export function groupByMode(
  tables: readonly { readonly table: string; readonly mode: SyncMode; readonly reason: string }[],
): readonly ModeGroup[] {
  const groups = new Map<string, ModeGroup & { readonly tables: string[] }>();
  for (const { table, mode, reason } of tables) {
    const name = `${mode}, ${reason}`;
    const group = groups.get(name) ?? { mode, reason, tables: [] };
    group.tables.push(table);
    groups.set(name, group);
  }
  return [...groups.values()];
}

/** The first few by name, the others by number. */
export function listTables(tables: readonly string[], most = 5): string {
  const named = tables.slice(0, most).join(', ');
  return tables.length > most ? `${named} and ${tables.length - most} more` : named;
}
