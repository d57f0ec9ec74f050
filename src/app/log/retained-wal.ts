/** The log that the slot keeps on the source's disk, and when that is worth a warning. */
import type { Logger } from '../../common/logger';
import type { SyncObserver } from '../../model/report';
import type { SlotWal } from '../../model/slot-wal';
import type { LogFacts } from '../../postgres/log';

/** Disks of databases have room for that; what is more will not come back by itself. */
export const MUCH_WAL_BYTES = 2 ** 30;

/** undefined: there is no slot of ours. */
export function slotWal({ slot, server }: Pick<LogFacts, 'slot' | 'server'>): SlotWal | undefined {
  if (slot === null) return undefined;
  const limit = server.maxSlotWalKeepBytes;
  return { slotName: slot.name, bytes: slot.retainedBytes, limitBytes: limit < 0 ? null : limit };
}

/** Why it is worth a warning, as one sentence; undefined where it is not. */
export function muchWal({ slotName, bytes, limitBytes }: SlotWal): string | undefined {
  if (bytes === null || bytes <= MUCH_WAL_BYTES) return undefined;
  const limit =
    limitBytes === null
      ? 'max_slot_wal_keep_size is -1, so nothing stops it before the disk is full; with a limit there, the server would give the slot up instead, and the tables would catch up by transaction ids'
      : `above ${gigabytes(limitBytes)} (max_slot_wal_keep_size) the server gives the slot up, and the tables catch up by transaction ids`;
  return `The replication slot "${slotName}" keeps ${gigabytes(bytes)} of log on the disk of the source, until a sync reads it or \`pgsluice log drop\` ends it: ${limit}.`;
}

/** Says in a sync what a user should know of it. */
export function tellOfSlot(facts: LogFacts | undefined, observer: SyncObserver, logger: Logger): void {
  const wal = facts === undefined ? undefined : slotWal(facts);
  if (wal === undefined) return;
  observer.slotSeen?.(wal);
  const warning = muchWal(wal);
  if (warning !== undefined) logger.warning(warning);
}

/** In powers of 1,024, as PostgreSQL counts in its settings. */
export function gigabytes(bytes: number): string {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GB` : `${Math.ceil(bytes / 2 ** 20)} MB`;
}
