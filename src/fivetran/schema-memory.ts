/**
 * What the platform was told of each table's columns, kept in the state between Updates: a SchemaChange is
 * sent when a table's columns, types or key have moved since, and for a table that is new.
 */
import { createHash } from 'node:crypto';
import type { RequestState } from './state-json';
import type { NamedTable } from './wire-schema';

export class SchemaMemory {
  private readonly signatures: Map<string, string>;
  /** On the first sync, Schema has just told everything. */
  private readonly firstSync: boolean;

  constructor(state: RequestState) {
    this.signatures = new Map(state.described);
    this.firstSync = state.described.size === 0;
  }

  /** Whether the platform must be told; from now on it counts as told. */
  isNew(key: string, table: NamedTable): boolean {
    const signature = createHash('sha256').update(JSON.stringify(table)).digest('hex').slice(0, 12);
    const known = this.signatures.get(key);
    this.signatures.set(key, signature);
    return known === undefined ? !this.firstSync : known !== signature;
  }

  document(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.signatures].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
