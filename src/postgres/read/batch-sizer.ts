/**
 * Decides how far the next batch reaches: by rows, by bytes, and by blocks, whichever ends first. The sizes of earlier
 * batches of the same relation correct the estimate from the catalog.
 */
import { POSITIONS_PER_BLOCK, type TidRange } from '../../model/tid-range';

export interface BatchSizerOptions {
  readonly estimatedRows: number;
  readonly blocks: number;
  /** Bytes of heap and TOAST. Values are compressed there, so their real size may be several times as large. */
  readonly bytes: number;
  readonly batchBytes: number;
  /** A condition leaves out most rows, so one range says little about the next. */
  readonly sparse?: boolean;
  /** Bytes that every row has, however little of it is stored: the digits of NULLs. */
  readonly leastBytesPerRow?: number;
  /** A round trip takes longer than a look at many blocks. */
  readonly far?: boolean;
}

/** A bloated table has few rows in many blocks; more blocks than this would make one long statement. */
const MAX_BATCH_BLOCKS = { near: 4096, far: 8192 };
/** Of a first batch of changes from far away: where many rows have changed, what is too much is asked for again. */
const FIRST_SPARSE_BLOCKS = 1024;
/** Line pointers of an 8 kB page: (8192 - 24) / (24 + 4) (PostgreSQL's MaxHeapTuplesPerPage). */
const MAX_TUPLES_PER_PAGE = 291;
/**
 * The last blocks of a relation are often empty, and a batch over them must not lead the other readers to many times
 * the rows that were asked for.
 */
const MOST_WIDENING = 2;
/** Share of the target for the first batch, while the estimate is untested. */
const FIRST_BATCH_SHARE = 0.25;

export class BatchSizer {
  /** Bytes per row in the last batch, about; 0 before the first one. */
  longestCellBytes = 0;
  /** Columns that are better read as text: most of their values are NULL. */
  readonly asText = new Set<string>();
  private rowsPerBlock: number;
  private bytesPerRow: number;
  private tested = false;

  constructor(private readonly options: BatchSizerOptions) {
    this.rowsPerBlock = Math.max(options.estimatedRows, 1) / Math.max(options.blocks, 1);
    const stored = options.bytes / Math.max(options.estimatedRows, 1);
    this.bytesPerRow = Math.max(stored, options.leastBytesPerRow ?? 0);
  }

  /** The next part of `range`, from its start: at least one position. */
  next(range: TidRange, batchRows: number): TidRange {
    const byBytes = this.options.batchBytes / Math.max(this.bytesPerRow, 1);
    const target = Math.max(1, Math.min(batchRows, byBytes) * (this.tested ? 1 : FIRST_BATCH_SHARE));
    const reach = this.reach(range.lo, target);
    const { sparse, far } = this.options;
    const least = !this.tested && sparse === true && far === true ? blockOf(range.lo) + FIRST_SPARSE_BLOCKS : 0;
    return { lo: range.lo, hi: Math.min(range.hi, Math.max(reach, least * POSITIONS_PER_BLOCK)) };
  }

  private reach(lo: number, rows: number): number {
    const block = blockOf(lo);
    if (rows >= this.rowsPerBlock) {
      const most = MAX_BATCH_BLOCKS[this.options.far === true ? 'far' : 'near'];
      const blocks = Math.min(Math.max(1, Math.floor(rows / this.rowsPerBlock)), most);
      return (block + blocks) * POSITIONS_PER_BLOCK;
    }
    // Part of a block: line pointers are numbered from 1 and mostly without gaps.
    const first = Math.max(1, lo % POSITIONS_PER_BLOCK);
    const beyond = first + Math.max(1, Math.floor(rows));
    const lastPointer = Math.max(MAX_TUPLES_PER_PAGE, Math.ceil(this.rowsPerBlock));
    return beyond > lastPointer ? (block + 1) * POSITIONS_PER_BLOCK : block * POSITIONS_PER_BLOCK + beyond;
  }

  /** Records what a batch over `range` held. */
  observe(range: TidRange, rows: number, bytes: number): void {
    this.tested = true;
    const blocks = (range.hi - range.lo) / POSITIONS_PER_BLOCK;
    const least = this.options.sparse === true ? 0.001 : this.rowsPerBlock / MOST_WIDENING;
    if (Number.isFinite(blocks) && blocks >= 1) this.rowsPerBlock = Math.max(rows / blocks, least);
    if (rows > 0) {
      const seen = bytes / rows;
      // Follows growth at once and shrinkage slowly, because too large a batch costs more than too small a one.
      this.bytesPerRow = seen > this.bytesPerRow ? seen : this.bytesPerRow + (seen - this.bytesPerRow) / 4;
    }
  }
}

function blockOf(position: number): number {
  return Math.floor(position / POSITIONS_PER_BLOCK);
}
