/** Which transactions a snapshot sees, by the 32 bits of their ids that the log has. */

export class SnapshotXids {
  private readonly end: number;
  private readonly running: ReadonlySet<number>;

  /** `text`: of txid_snapshot (`xmin:xmax:running,…`), 64 bits each in decimal. */
  constructor(text: string) {
    const [, end = '0', running = ''] = text.split(':');
    this.end = low(end);
    this.running = new Set(running === '' ? [] : running.split(',').map(low));
  }

  /** Whether the snapshot sees a transaction that has written its commit record. */
  sees(xid: number): boolean {
    // Ids go round: those within 2^31 before the end are before it.
    return ((xid - this.end) | 0) < 0 && !this.running.has(xid);
  }
}

function low(id: string): number {
  return Number(BigInt(id) & 0xffff_ffffn);
}
