/**
 * Keeps in the state what the platform was told of each table's columns. A SchemaChange is sent when a table's columns,
 * types or key have changed since, and for a new table.
 *
 * A stream can be cut right after a SchemaChange, and the next Update may find the table as it was before. By its state
 * there would be nothing to send, and the platform would keep the cut SchemaChange. So a table counts as in doubt
 * before it is described anew, and a checkpoint that says so comes before its SchemaChange.
 */
import { createHash } from 'node:crypto';
import type { RequestState } from './state-json';
import type { NamedTable } from './wire-schema';

/** In a state: the platform may have been told anything. */
export const IN_DOUBT = '';

export interface SchemaMemoryDocument {
  readonly described: Readonly<Record<string, string>>;
  readonly widened: Readonly<Record<string, readonly string[]>>;
}

export class SchemaMemory {
  private readonly signatures: Map<string, string>;
  private readonly widened: Map<string, ReadonlySet<string>>;
  /** Tables for which this Update knows that the platform was told their present columns. */
  private readonly certain = new Set<string>();
  /** All others are in doubt: one checkpoint says so for all later SchemaChanges. */
  private doubtful = false;
  /** On the first sync, Schema has just described everything. */
  private readonly firstSync: boolean;

  constructor(state: Pick<RequestState, 'described' | 'widened' | 'withSchema'>) {
    this.signatures = new Map(state.described);
    this.widened = new Map([...state.widened].map(([key, columns]) => [key, new Set(columns)]));
    // A state that says how tables are named is of an earlier stream, even if that had described no table yet.
    this.firstSync = state.described.size === 0 && state.withSchema === undefined;
  }

  /** Whether the platform must be told about the table; otherwise the table counts as told. */
  isNews(key: string, table: NamedTable): boolean {
    const known = this.signatures.get(key);
    const isNews = known === undefined ? !this.firstSync : known !== signatureOf(table);
    if (!isNews) this.tell(key, table);
    return isNews;
  }

  /** True: a checkpoint must say so in the state, before the platform is told something new. */
  doubt(key: string): boolean {
    const known = this.signatures.get(key) ?? IN_DOUBT;
    const saidAlready = known === IN_DOUBT || (this.doubtful && !this.certain.has(key));
    this.certain.delete(key);
    this.doubtful = true;
    return !saidAlready;
  }

  tell(key: string, table: NamedTable): void {
    this.signatures.set(key, signatureOf(table));
    this.certain.add(key);
  }

  /**
   * Columns that are sent as STRING, whatever their type, because they once held a value that their type on the wire
   * cannot carry.
   */
  widenedColumns(key: string): ReadonlySet<string> {
    return this.widened.get(key) ?? new Set();
  }

  widen(key: string, columns: readonly string[]): void {
    this.widened.set(key, new Set([...this.widenedColumns(key), ...columns]));
  }

  document(): SchemaMemoryDocument {
    const described = sorted(this.signatures).map(([key, signature]): [string, string] => [
      key,
      this.doubtful && !this.certain.has(key) ? IN_DOUBT : signature,
    ]);
    const widened = sorted(this.widened).map(([key, columns]): [string, string[]] => [key, [...columns].sort()]);
    return { described: Object.fromEntries(described), widened: Object.fromEntries(widened) };
  }
}

function signatureOf(table: NamedTable): string {
  return createHash('sha256').update(JSON.stringify(table)).digest('hex').slice(0, 12);
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}
