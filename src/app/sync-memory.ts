/**
 * Decides how the process keeps its memory during a sync; see native/process-memory and common/heap-growth for what
 * each step saves.
 */
import { useLatin1Counter } from '../common/count-character';
import { HeapGrowth } from '../common/heap-growth';
import { optimizeLate } from '../common/late-optimization';
import { nativeLatin1Counter } from '../native/latin1-counter';
import { keepFreedMemory, limitMemoryArenas } from '../native/process-memory';

/** Rows of so many bytes make cells of megabytes in batches of a few hundred. */
const LONG_ROW_BYTES = 16_000;

export interface MemoryUse {
  /** The process does nothing else, and ends with the sync. */
  readonly ownProcess: boolean;
  /** Nothing is written on this host, so reading takes all the time. */
  readonly readingIsTheLimit: boolean;
}

export class SyncMemory {
  private readonly heap: HeapGrowth;
  private longValues = false;

  constructor({ ownProcess, readingIsTheLimit }: MemoryUse) {
    limitMemoryArenas();
    this.heap = new HeapGrowth(ownProcess);
    if (ownProcess) optimizeLate();
    useLatin1Counter(nativeLatin1Counter());
    if (readingIsTheLimit) keepFreedMemory('batches');
  }

  /** Must be called for bytes that were read and are not written. */
  read(bytes: number): void {
    this.heap.written(bytes);
  }

  /** Must be called for each batch. */
  written(rows: number, bytes: number): void {
    this.heap.written(bytes);
    if (this.longValues || bytes <= LONG_ROW_BYTES * rows) return;
    this.longValues = true;
    keepFreedMemory('longValues');
  }
}
