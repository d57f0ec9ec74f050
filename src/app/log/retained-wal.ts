/** The log that a slot keeps on the source's disk, and when that is worth a warning. */

export interface RetainedWal {
  /** null where it is not known, or the slot is invalid. */
  readonly bytes: number | null;
  /** max_slot_wal_keep_size; null: no limit. */
  readonly limitBytes: number | null;
  /** May still be written before the slot may be given up; null: no limit, or not known. */
  readonly safeBytes: number | null;
  /** Milliseconds since 1970; null: not known, or being read. */
  readonly inactiveSinceMs: number | null;
}

export const MUCH_WAL_BYTES = 1e9;

/** One sentence, or none. */
export function walWarnings(slotName: string, { bytes, limitBytes }: RetainedWal): readonly string[] {
  if (bytes === null || bytes <= MUCH_WAL_BYTES) return [];
  const limit =
    limitBytes === null
      ? 'max_slot_wal_keep_size is -1, so nothing stops it before the disk is full; with a limit there, the server would give the slot up instead, and the tables would catch up by transaction ids'
      : `above ${gigabytes(limitBytes)} (max_slot_wal_keep_size) the server gives the slot up, and the tables catch up by transaction ids`;
  return [
    `The replication slot "${slotName}" keeps ${gigabytes(bytes)} of log on the source's disk, until a sync reads it or \`pgsluice log drop\` ends it: ${limit}.`,
  ];
}

export function gigabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.ceil(bytes / 1e6)} MB`;
}
