/** Takes all rows and keeps none, to measure what reading alone costs. The smallest example of a destination. */
import type { PackedBatch } from '../../model/packed-batch';
import type { TableStates } from '../../model/sync-state';
import type { Destination, DestinationTable, FinishedLoad } from '../destination';

export class NullDestination implements Destination {
  private readonly rows = new Map<string, number>();

  open(): Promise<TableStates> {
    return Promise.resolve(new Map());
  }

  /** Reading is measured as it is for the warehouse. */
  takesBinary(): boolean {
    return true;
  }

  beginLoad(table: DestinationTable): Promise<void> {
    this.rows.set(table.key, 0);
    return Promise.resolve();
  }

  write(table: DestinationTable, batch: PackedBatch): Promise<void> {
    this.rows.set(table.key, (this.rows.get(table.key) ?? 0) + batch.rowCount);
    return Promise.resolve();
  }

  writeLatest(): Promise<void> {
    return Promise.resolve();
  }

  beginKeys(): Promise<void> {
    return Promise.resolve();
  }

  collectKeys(): Promise<void> {
    return Promise.resolve();
  }

  keepOnlyKeys(): Promise<number> {
    return Promise.resolve(0);
  }

  finishLoad(table: DestinationTable): Promise<FinishedLoad> {
    return Promise.resolve({ rows: this.rows.get(table.key) ?? 0, deleted: 0 });
  }

  abandonLoad(): Promise<void> {
    return Promise.resolve();
  }

  beginChanges(): Promise<void> {
    return Promise.resolve();
  }

  writeChanges(): Promise<void> {
    return Promise.resolve();
  }

  applyChanges(): Promise<void> {
    return Promise.resolve();
  }

  markMissing(): Promise<number> {
    return Promise.resolve(0);
  }

  finishChanges(): Promise<FinishedLoad> {
    return Promise.resolve({ rows: 0, deleted: 0 });
  }

  append(): Promise<void> {
    return Promise.resolve();
  }

  putState(): Promise<void> {
    return Promise.resolve();
  }

  commit(): Promise<void> {
    return Promise.resolve();
  }

  rollback(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
