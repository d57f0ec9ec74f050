/**
 * What the platform was told of each table's columns, kept in the state between Updates: a SchemaChange is
 * sent when a table's columns, types or key have moved since, and for a table that is new.
 *
 * A stream can be cut right behind a SchemaChange, and the next Update may find the table as it was before: by its
 * state nothing would have to be said, and the platform would go on with what it was told last. So a table of which
 * something was said is in doubt first, and a checkpoint that says so stands before its SchemaChange.
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
  /** Tables of which this Update knows that the platform was told what it is to hold. */
  private readonly certain = new Set<string>();
  /** All others are in doubt: one checkpoint says so for all the SchemaChanges to come. */
  private doubtful = false;
  /** On the first sync, Schema has just told everything. */
  private readonly firstSync: boolean;

  constructor(state: Pick<RequestState, 'described' | 'widened'>) {
    this.signatures = new Map(state.described);
    this.widened = new Map([...state.widened].map(([key, columns]) => [key, new Set(columns)]));
    this.firstSync = state.described.size === 0;
  }

  /** Whether the platform must be told of the table; what it need not be told counts as told. */
  isNews(key: string, table: NamedTable): boolean {
    const known = this.signatures.get(key);
    const isNews = known === undefined ? !this.firstSync : known !== signatureOf(table);
    if (!isNews) this.tell(key, table);
    return isNews;
  }

  /** True: the state must say so, in a checkpoint, before the platform is told otherwise. */
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

  /** Columns that are sent as STRING, whatever their type, since they once held what it cannot say. */
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
