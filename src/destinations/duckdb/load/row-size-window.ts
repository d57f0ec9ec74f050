/** Measures how many bytes the last rows of a table hold, for a writer that needs them all in memory at once. */
export class RecentRows {
  private readonly batches: { readonly rows: number; readonly bytes: number }[] = [];
  private rows = 0;
  private bytes = 0;

  /** `most` is how many rows it looks back. */
  constructor(private readonly most: number) {}

  /** Returns the bytes of the last rows. It counts whole batches, so rather too many rows than too few. */
  add(rows: number, bytes: number): number {
    this.batches.push({ rows, bytes });
    this.rows += rows;
    this.bytes += bytes;
    for (
      let first = this.batches[0];
      first !== undefined && this.rows - first.rows >= this.most;
      first = this.batches[0]
    ) {
      this.batches.shift();
      this.rows -= first.rows;
      this.bytes -= first.bytes;
    }
    return this.bytes;
  }
}
