/** Measures rows per second over the last seconds, so that a display follows a slowdown without flickering. */
export class RateMeter {
  private readonly samples: { readonly atMs: number; readonly total: number }[];
  private total = 0;

  constructor(
    private readonly now: () => number,
    private readonly windowMs = 3000,
  ) {
    this.samples = [{ atMs: now(), total: 0 }];
  }

  get rows(): number {
    return this.total;
  }

  add(rows: number): void {
    this.total += rows;
  }

  perSecond(): number {
    const atMs = this.now();
    this.samples.push({ atMs, total: this.total });
    // The newest sample outside the window stays, so that the rate spans the whole window.
    while ((this.samples[1]?.atMs ?? Infinity) <= atMs - this.windowMs) this.samples.shift();
    const oldest = this.samples[0];
    if (oldest === undefined || atMs <= oldest.atMs) return 0;
    return ((this.total - oldest.total) * 1000) / (atMs - oldest.atMs);
  }
}
