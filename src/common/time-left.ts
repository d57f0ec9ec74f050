/** Estimates how long a sync still takes at its pace so far, from rows done and rows to come. */
export interface TableShare {
  readonly estimatedRows: number;
  readonly rows: number;
  readonly ended: boolean;
}

/** null where nothing is done yet, or the sizes are unknown. */
export function secondsLeft(tables: Iterable<TableShare>, seconds: number): number | null {
  let total = 0;
  let reached = 0;
  for (const { estimatedRows, rows, ended } of tables) {
    total += estimatedRows;
    // A table that reads only changes counts with all of its rows when it ends.
    reached += ended ? estimatedRows : Math.min(rows, estimatedRows);
  }
  return reached === 0 || total === 0 ? null : (seconds * (total - reached)) / reached;
}
