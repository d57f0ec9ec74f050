/**
 * The platform as a destination: rows go to the stream as upserts, progress as checkpoints.
 *
 * The platform applies what comes, in order; nothing can be taken back. So:
 *
 * - A full load begins with TRUNCATE, which marks deleted whatever the platform holds of the table so far.
 *   Every row that is still there comes alive again with its upsert. Also where the state knows nothing
 *   of the table: after a reset of the state the platform may hold rows that no longer exist, and a table
 *   that it does not have is none to truncate. A load that goes on from a checkpoint does not truncate again.
 * - `rollback` drops only what was to be said in the next checkpoint. Rows that were sent already stay sent.
 *   They do no harm, since the state still says that they are to be read. They are sent again, by key. A load
 *   without a key begins anew, with a TRUNCATE. What must go, because the row was deleted at the
 *   source in between, is found among all keys sent, rolled back or not (sent-keys).
 * - A checkpoint holds the state of exactly the rows that stand before it in the stream. The stream may be cut behind
 *   any message, so the last checkpoint must be true of everything behind it as well: before TRUNCATE stands one that
 *   claims none of the table's rows (`loadsInPlace`), and before a SchemaChange one that leaves open what the platform
 *   was told (schema-memory).
 *
 * Which rows the platform holds is not known here beyond one Update, so rows that vanished between two of
 * them cannot be named: `comparesKeys` says so, and the table is loaded in full when they are looked for.
 */
import { counted } from '../common/counted';
import { ConnectorError } from '../common/errors';
import type { Destination, DestinationTable, FinishedLoad, LoadStamp } from '../destinations/destination';
import { stateDocument } from '../destinations/state-file';
import type { PackedBatch } from '../model/packed-batch';
import type { LogPosition, TableState, TableStates } from '../model/sync-state';
import { loadAnew, withoutRows } from '../engine/plan';
import type { SourceSelection, TableName } from '../model/source-selection';
import { encodeTruncate } from './record-encoder';
import type { EncodedRecords } from './wire-records';
import { IN_DOUBT, SchemaMemory } from './schema-memory';
import { keyTexts, SentKeys } from './sent-keys';
import { MOST_STATE_BYTES, type RequestState } from './state-json';
import { StreamedTable } from './streamed-table';
import type { UpdateStream } from './update-stream';
import type { WireNames } from './wire-names';
import { tableLists, type SecondsType } from './wire-schema';

export interface StreamDestinationOptions {
  readonly stream: UpdateStream;
  readonly serialize: (message: object) => Buffer;
  readonly state: RequestState;
  readonly names: WireNames;
  readonly selection: SourceSelection;
  readonly secondsType: SecondsType;
  /** The source's name of a table, by key; undefined for the tables that describe the source. */
  readonly sourceName: (key: string) => TableName | undefined;
  /** Sends a message to the user, on the stream. */
  readonly warn: (message: string) => void;
  readonly checkpointEveryMs?: number;
}

/** The platform expects one every 10 minutes; a slow table may have less to report. */
const CHECKPOINT_EVERY_MS = 8 * 60_000;

export class StreamDestination implements Destination {
  readonly comparesKeys = false;
  readonly loadsInPlace = true;
  readonly counts = { upserts: 0, deletes: 0, truncates: 0, schemaChanges: 0, checkpoints: 0 };
  private readonly states: Map<string, TableState>;
  private readonly staged = new Map<string, TableState | null>();
  private readonly tables = new Map<string, StreamedTable>();
  /** Their passes have ended, but the checkpoint that says so is still to come. */
  private readonly finished = new Set<string>();
  private readonly schemas: SchemaMemory;
  private readonly renamed: boolean;
  /** In the log of the source, as of the last checkpoint, and for the next one. */
  private position: LogPosition | undefined;
  private stagedPosition: LogPosition | undefined;
  private stateBytes = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: StreamDestinationOptions) {
    const { state, names } = options;
    const renamed = state.withSchema !== undefined && state.withSchema !== names.withSchema;
    this.renamed = renamed && state.states.size > 0;
    // The platform holds nothing under other names, and was told nothing about them.
    this.states = new Map([...state.states].map(([key, each]) => [key, renamed ? withoutRows(each) : each]));
    const described = new Map([...state.described].map(([key, told]) => [key, renamed ? IN_DOUBT : told]));
    this.position = state.logPosition;
    this.schemas = new SchemaMemory({ ...state, described });
  }

  /** About how many bytes a checkpoint takes. */
  get commitBytes(): number {
    return this.stateBytes;
  }

  open(): Promise<TableStates> {
    this.watchTime();
    if (this.renamed)
      this.options.warn(
        '"with_schema" is another than at the last sync, so every table has another name: all are loaded in full under the new ones, and the tables of the old names stay as they are.',
      );
    return Promise.resolve(new Map(this.states));
  }

  async beginLoad(table: DestinationTable, stamp: LoadStamp, resume: boolean): Promise<void> {
    const streamed = await this.begin(table, stamp);
    if (resume) {
      const before = this.states.get(table.key)?.load?.rows ?? 0;
      // Rows that this Update did not send itself are unknown here.
      if (streamed.rows === 0 && before > 0) streamed.sentKeys.forget();
      streamed.rows = before;
      return;
    }
    streamed.rows = 0;
    streamed.sentKeys = new SentKeys();
    await this.options.stream.send(encodeTruncate({ key: table.key, ...streamed.name }));
    this.counts.truncates += 1;
  }

  async write(table: DestinationTable, batch: PackedBatch): Promise<void> {
    const streamed = this.streamed(table);
    // Only a load that can go on under another snapshot asks for them.
    if (table.primaryKey.length > 0 && !table.keysMayRepeat) streamed.sentKeys.add(streamed.keysOf(batch));
    await this.upsert(streamed, batch);
    streamed.rows += batch.rowCount;
  }

  async writeLatest(table: DestinationTable, batch: PackedBatch): Promise<void> {
    await this.upsert(this.streamed(table), batch);
  }

  beginKeys(table: DestinationTable): Promise<void> {
    this.streamed(table).existingKeys = new Set();
    return Promise.resolve();
  }

  collectKeys(table: DestinationTable, keys: PackedBatch): Promise<void> {
    const { existingKeys } = this.streamed(table);
    for (const key of keyTexts(keys.columns)) existingKeys?.add(key);
    return Promise.resolve();
  }

  async keepOnlyKeys(table: DestinationTable): Promise<number> {
    const streamed = this.streamed(table);
    const existing = streamed.existingKeys ?? new Set<string>();
    streamed.existingKeys = undefined;
    streamed.rows = existing.size;
    if (!streamed.sentKeys.known) {
      this.options.warn(
        `Rows of ${table.key} that were deleted while it was loaded, over several syncs or connections, may stay until its next full load; set "reconcile_every" to have them looked for.`,
      );
      return 0;
    }
    return await this.delete(streamed, streamed.sentKeys.without(existing));
  }

  finishLoad(table: DestinationTable): Promise<FinishedLoad> {
    const { rows } = this.streamed(table);
    this.finished.add(table.key);
    return Promise.resolve({ rows, deleted: 0 });
  }

  abandonLoad(table: DestinationTable): Promise<void> {
    this.tables.delete(table.key);
    return Promise.resolve();
  }

  async beginChanges(table: DestinationTable, stamp: LoadStamp): Promise<void> {
    const streamed = await this.begin(table, stamp);
    // Only the platform knows how many of the changes are new rows.
    streamed.rows = this.states.get(table.key)?.rows ?? 0;
  }

  async writeChanges(table: DestinationTable, batch: PackedBatch): Promise<void> {
    await this.upsert(this.streamed(table), batch);
  }

  applyChanges(): Promise<void> {
    return Promise.resolve();
  }

  markMissing(table: DestinationTable): Promise<number> {
    return Promise.reject(
      new ConnectorError(`The rows of ${table.key} that Fivetran holds cannot be compared with the source.`, {
        code: 'keys_unknown',
        kind: 'internal',
      }),
    );
  }

  async markDeleted(table: DestinationTable, keys: readonly PackedBatch[]): Promise<number> {
    return await this.delete(this.streamed(table), keys);
  }

  finishChanges(table: DestinationTable): Promise<FinishedLoad> {
    return this.finishLoad(table);
  }

  async append(table: DestinationTable, batch: PackedBatch, stamp: LoadStamp): Promise<void> {
    if (!this.options.selection.includesTable({ schema: '', name: table.name })) return;
    const streamed = await this.begin(table, stamp);
    await this.upsert(streamed, batch);
    this.tables.delete(table.key);
  }

  putState(key: string, state: TableState | null): Promise<void> {
    this.staged.set(key, state);
    return Promise.resolve();
  }

  logPosition(): Promise<LogPosition | undefined> {
    return Promise.resolve(this.position);
  }

  putLogPosition(position: LogPosition): Promise<void> {
    this.stagedPosition = position;
    return Promise.resolve();
  }

  async commit(): Promise<void> {
    this.position = this.stagedPosition ?? this.position;
    this.stagedPosition = undefined;
    for (const [key, state] of this.staged) {
      if (state === null) this.states.delete(key);
      else this.states.set(key, state);
    }
    this.staged.clear();
    await this.options.stream.send(this.checkpoint());
    for (const key of this.finished) this.tables.delete(key);
    this.finished.clear();
  }

  rollback(): Promise<void> {
    this.stagedPosition = undefined;
    this.staged.clear();
    this.finished.clear();
    return Promise.resolve();
  }

  close(): Promise<void> {
    clearTimeout(this.timer);
    this.tables.clear();
    return Promise.resolve();
  }

  private async begin(table: DestinationTable, stamp: LoadStamp): Promise<StreamedTable> {
    const streamed = this.tables.get(table.key) ?? this.createTable(table);
    this.tables.set(table.key, streamed);
    streamed.stamp(stamp);
    if (this.schemas.isNews(table.key, streamed.describe())) await this.announce(streamed);
    return streamed;
  }

  private createTable(table: DestinationTable): StreamedTable {
    const { names, selection, sourceName, secondsType, warn } = this.options;
    const source = sourceName(table.key);
    return new StreamedTable({
      table,
      name: source === undefined ? names.ofMetadata(table.name) : names.of(source),
      includesColumn: (column) => selection.includesColumn(source ?? { schema: '', name: table.name }, column),
      widened: this.schemas.widenedColumns(table.key),
      secondsType,
      warn,
    });
  }

  private streamed(table: DestinationTable): StreamedTable {
    const streamed = this.tables.get(table.key);
    if (streamed === undefined)
      throw new ConnectorError(`No load of ${table.key} has begun.`, { code: 'no_load', kind: 'internal' });
    return streamed;
  }

  private async upsert(streamed: StreamedTable, batch: PackedBatch): Promise<void> {
    await this.widen(streamed, batch);
    await this.sendAll(streamed.upserts(batch));
    this.counts.upserts += batch.rowCount;
  }

  private async delete(streamed: StreamedTable, keys: Iterable<PackedBatch>): Promise<number> {
    let deleted = 0;
    for (const batch of keys) {
      await this.sendAll(streamed.deletes(batch));
      deleted += batch.rowCount;
    }
    this.counts.deletes += deleted;
    return deleted;
  }

  private async widen(streamed: StreamedTable, batch: PackedBatch): Promise<void> {
    const { table } = streamed;
    const columns = streamed.widen(batch);
    if (columns.length === 0) return;
    this.schemas.widen(table.key, columns);
    const inKey = columns.find((column) => table.primaryKey.includes(column));
    // Rows that were sent under the other form of the key would not match the next ones.
    if (inKey !== undefined)
      throw loadAnew(`Key column ${inKey} of ${table.key} is sent as STRING from now on; it is loaded from the start.`);
    await this.announce(streamed);
  }

  private async sendAll(messages: Iterable<EncodedRecords>): Promise<void> {
    for (const { bytes } of messages) await this.options.stream.send(bytes);
  }

  private async announce(streamed: StreamedTable): Promise<void> {
    const { stream, serialize, names } = this.options;
    const { key } = streamed.table;
    if (this.schemas.doubt(key)) await stream.send(this.checkpoint());
    const described = streamed.describe();
    this.schemas.tell(key, described);
    this.counts.schemaChanges += 1;
    await stream.send(serialize({ schema_change: tableLists([described], names.withSchema) }));
  }

  private checkpoint(): Buffer {
    this.watchTime();
    const document = {
      ...stateDocument(this.states, new Date()),
      with_schema: this.options.names.withSchema,
      ...(this.position === undefined ? {} : { log_position: this.position }),
      ...this.schemas.document(),
    };
    const text = JSON.stringify(document);
    this.stateBytes = text.length;
    if (Buffer.byteLength(text) > MOST_STATE_BYTES) {
      throw new ConnectorError(
        `The state of ${counted(this.states.size, 'table')} has more than the ${MOST_STATE_BYTES / 1_000_000} MB that Fivetran stores.`,
        {
          code: 'state_too_large',
          kind: 'destination',
          hint: 'Sync fewer tables per connection, with "table_filters".',
        },
      );
    }
    this.counts.checkpoints += 1;
    return this.options.serialize({ checkpoint: { state_json: text } });
  }

  /** Sends the certain state again while the next checkpoint is far off, so that the platform keeps listening. */
  private watchTime(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      try {
        this.options.stream.sendNow(this.checkpoint());
      } catch {
        // The state is too large: the next commit fails with a sentence that says so.
      }
    }, this.options.checkpointEveryMs ?? CHECKPOINT_EVERY_MS);
    this.timer.unref();
  }
}
