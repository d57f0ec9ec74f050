/** Checks the rules that every stream must keep; each breach is one sentence. */
import { recordsOf, type ReceivedMessage } from './client';
import { declaredTables, tableId, type DeclaredColumn, type DeclaredTable, type RecordMessage } from './messages';
import { valueBreach } from './value-rules';

const MOST_RECORDS = 100;
/** "About 100 kB", for a message of more than one record. */
const MOST_BATCH_BYTES = 110_000;
const MOST_STATE_BYTES = 10_000_000;
const MOST_SILENCE_MS = 10 * 60_000;
/** A stream that is wrong throughout is reported with this many breaches. */
const MOST_BREACHES = 50;

export interface StreamCounts {
  messages: number;
  bytes: number;
  upserts: number;
  updates: number;
  deletes: number;
  truncates: number;
  schemaChanges: number;
  checkpoints: number;
  warnings: number;
}

export class StreamRules {
  readonly breaches: string[] = [];
  readonly counts: StreamCounts = {
    messages: 0,
    bytes: 0,
    upserts: 0,
    updates: 0,
    deletes: 0,
    truncates: 0,
    schemaChanges: 0,
    checkpoints: 0,
    warnings: 0,
  };
  private readonly tables = new Map<string, DeclaredTable>();
  private readonly upserted = new Set<string>();
  private uncommitted = 0;
  private lastCheckpointMs: number;

  constructor(
    schema: readonly DeclaredTable[],
    /** Checks that only selected columns come. */
    private readonly selects: (table: DeclaredTable, column: DeclaredColumn) => boolean,
    private readonly clock: () => number = () => performance.now(),
  ) {
    for (const table of schema) this.tables.set(tableId(table), table);
    this.lastCheckpointMs = clock();
  }

  table(id: string): DeclaredTable | undefined {
    return this.tables.get(id);
  }

  check({ message, bytes }: ReceivedMessage): void {
    this.counts.messages += 1;
    this.counts.bytes += bytes;
    if (this.clock() - this.lastCheckpointMs > MOST_SILENCE_MS)
      this.breach('More than 10 minutes without a checkpoint.');
    switch (message.operation) {
      case 'record':
      case 'records':
        this.checkRecords(recordsOf(message), bytes);
        break;
      case 'schema_change':
        this.counts.schemaChanges += 1;
        for (const table of declaredTables(message.schema_change ?? {})) {
          this.tables.set(tableId(table), table);
          // A table whose key has another form is loaded from the start.
          this.upserted.delete(tableId(table));
        }
        break;
      case 'checkpoint':
        this.checkCheckpoint(message.checkpoint?.state_json ?? '');
        break;
      case 'warning':
        this.counts.warnings += 1;
        if ((message.warning?.message ?? '') === '') this.breach('A warning without a message.');
        break;
      case 'task':
        this.breach(`A task, which stops the sync: ${message.task?.message ?? ''}`);
        break;
      default:
        this.breach('A message without an operation.');
    }
  }

  end(): void {
    if (this.uncommitted > 0) this.breach(`${this.uncommitted} records after the last checkpoint.`);
  }

  private checkRecords(records: readonly RecordMessage[], bytes: number): void {
    if (records.length === 0) this.breach('A batch without records.');
    if (records.length > MOST_RECORDS) this.breach(`A batch of ${records.length} records.`);
    if (records.length > 1 && bytes > MOST_BATCH_BYTES) this.breach(`A batch of ${bytes} bytes.`);
    for (const record of records) this.checkRecord(record);
    this.uncommitted += records.length;
  }

  private checkRecord(record: RecordMessage): void {
    const id = tableId({ schema: record.schema_name ?? '', name: record.table_name ?? '' });
    const table = this.tables.get(id);
    if (table === undefined) {
      this.breach(`A record of ${id}, which was never declared.`);
      return;
    }
    const columns = table.columns.filter((column) => column.key || this.selects(table, column));
    const keys = columns.filter(({ key }) => key);
    switch (record.type ?? 'UPSERT') {
      case 'UPSERT':
        this.counts.upserts += 1;
        this.upserted.add(id);
        this.checkData(id, record, columns);
        break;
      case 'UPDATE':
        this.counts.updates += 1;
        break;
      case 'DELETE':
        this.counts.deletes += 1;
        if (keys.length === 0) this.breach(`A delete in ${id}, which has no key.`);
        this.checkData(id, record, keys);
        break;
      case 'TRUNCATE':
        this.counts.truncates += 1;
        if (this.upserted.has(id)) this.breach(`${id} is truncated after its first upserts.`);
        if (Object.keys(record.data ?? {}).length > 0) this.breach(`A truncate of ${id} with data.`);
        break;
    }
  }

  private checkData(id: string, record: RecordMessage, columns: readonly DeclaredColumn[]): void {
    const data = record.data ?? {};
    for (const column of columns) {
      const value = data[column.name];
      if (value === undefined) this.breach(`A ${record.type ?? 'UPSERT'} in ${id} without column ${column.name}.`);
      else {
        const breach = valueBreach(column, value);
        if (breach !== undefined) this.breach(`${id}.${column.name}: ${breach}`);
      }
    }
    if (Object.keys(data).length > columns.length) {
      const names = new Set(columns.map(({ name }) => name));
      const others = Object.keys(data).filter((name) => !names.has(name));
      this.breach(`A ${record.type ?? 'UPSERT'} in ${id} with columns it should not have: ${others.join(', ')}.`);
    }
  }

  private checkCheckpoint(state: string): void {
    this.counts.checkpoints += 1;
    this.uncommitted = 0;
    this.lastCheckpointMs = this.clock();
    if (Buffer.byteLength(state) > MOST_STATE_BYTES) this.breach(`A state of ${Buffer.byteLength(state)} bytes.`);
    try {
      JSON.parse(state);
    } catch {
      this.breach('A state that is not JSON.');
    }
  }

  private breach(sentence: string): void {
    if (this.breaches.length < MOST_BREACHES) this.breaches.push(sentence);
  }
}
