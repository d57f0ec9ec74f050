/** The write-ahead log that a replication slot keeps on the disk of the source. */
export interface SlotWal {
  readonly slotName: string;
  /** null where it is not known, or the slot is invalid. */
  readonly bytes: number | null;
  /** max_slot_wal_keep_size; null: no limit. */
  readonly limitBytes: number | null;
}
