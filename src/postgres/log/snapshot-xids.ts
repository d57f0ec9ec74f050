/** Which transactions a snapshot sees, by the 32 bits of their ids that the log has. */

/** `perhaps`: it may have run when the snapshot was taken. */
export type Seen = 'yes' | 'no' | 'perhaps';

export class SnapshotXids {
  private readonly begin: number;
  private readonly end: number;
  private readonly running: ReadonlySet<number>;

  /**
   * `text`: of txid_snapshot (`xmin:xmax:running,…`), 64 bits each in decimal. `namesRunning`: false for that of a standby,
   * whose snapshots keep running transactions where txid_snapshot does not look.
   */
  constructor(
    text: string,
    private readonly namesRunning = true,
  ) {
    const [begin = '0', end = '0', running = ''] = text.split(':');
    this.begin = low(begin);
    this.end = low(end);
    this.running = new Set(running === '' ? [] : running.split(',').map(low));
  }

  /** Whether the snapshot sees a transaction that has written its commit record. */
  sees(xid: number): Seen {
    if (!isBefore(xid, this.end) || this.running.has(xid)) return 'no';
    return this.namesRunning || isBefore(xid, this.begin) ? 'yes' : 'perhaps';
  }
}

/** Ids go round: those within 2^31 before another one are before it. */
function isBefore(xid: number, other: number): boolean {
  return ((xid - other) | 0) < 0;
}

function low(id: string): number {
  return Number(BigInt(id) & 0xffff_ffffn);
}
