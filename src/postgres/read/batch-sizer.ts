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
/** From far away, as many as the batches before show to take this long, between the least and the most. */
const BLOCKS_BY_TIME = { ms: 100, least: 1024, most: 16_384 };
/** The blocks of a first batch of changes from far away: where many rows have changed, what is too much is asked for again. */
const FIRST_SPARSE_BLOCKS = 1024;
/** Line pointers of an 8 kB page: (8192 - 24) / (24 + 4) (PostgreSQL's MaxHeapTuplesPerPage). */
const MAX_TUPLES_PER_PAGE = 291;
/**
 * The last blocks of a relation are often empty. After a batch over them, other readers must not ask for many times the
 * rows that they should.
 */
const MOST_WIDENING = 2;
/** What fewer blocks take is mostly not theirs. */
const TIMED_BLOCKS = 512;
/** What is left of a range behind a batch, as a share of it, is read with it: a few rows cost a round trip, too. */
const LITTLE_REST = 0.1;
/** Share of the target for the first batch, while the estimate is untested. */
const FIRST_BATCH_SHARE = 0.25;

export class BatchSizer {
  /** Bytes per row in the last batch, about; 0 before the first one. */
  longestCellBytes = 0;
  /** Many rows of the last range had changed. */
  manyChanged = false;
  /** Columns that are better read as text: most of their values are NULL. */
  readonly asText = new Set<string>();
  private rowsPerBlock: number;
  private bytesPerRow: number;
  private tested = false;
  /** The time of the slowest batch so far; 0 before the first. */
  private msPerBlock = 0;

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
    const hi = Math.max(reach, least * POSITIONS_PER_BLOCK);
    const isLittleLeft = range.hi - hi <= (hi - range.lo) * LITTLE_REST;
    return { lo: range.lo, hi: isLittleLeft ? range.hi : hi };
  }

  private reach(lo: number, rows: number): number {
    const block = blockOf(lo);
    if (rows >= this.rowsPerBlock) {
      const blocks = Math.min(Math.max(1, Math.floor(rows / this.rowsPerBlock)), this.mostBlocks());
      return (block + blocks) * POSITIONS_PER_BLOCK;
    }
    // Part of a block: line pointers are numbered from 1 and mostly without gaps.
    const first = Math.max(1, lo % POSITIONS_PER_BLOCK);
    const beyond = first + Math.max(1, Math.floor(rows));
    const lastPointer = Math.max(MAX_TUPLES_PER_PAGE, Math.ceil(this.rowsPerBlock));
    return beyond > lastPointer ? (block + 1) * POSITIONS_PER_BLOCK : block * POSITIONS_PER_BLOCK + beyond;
  }

  private mostBlocks(): number {
    if (this.options.far !== true) return MAX_BATCH_BLOCKS.near;
    const { ms, least, most } = BLOCKS_BY_TIME;
    if (this.msPerBlock === 0) return MAX_BATCH_BLOCKS.far;
    return Math.min(Math.max(Math.floor(ms / this.msPerBlock), least), most);
  }

  /** Records what a batch over `range` held, and how long the server took for it, where that is known. */
  observe(range: TidRange, rows: number, bytes: number, serverMs = 0): void {
    this.tested = true;
    const blocks = (range.hi - range.lo) / POSITIONS_PER_BLOCK;
    if (Number.isFinite(blocks) && blocks >= TIMED_BLOCKS)
      this.msPerBlock = Math.max(this.msPerBlock, Math.max(serverMs, 1) / blocks);
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
