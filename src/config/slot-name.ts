/** The replication slot of a warehouse, which no other warehouse may move. */
import { createHash } from 'node:crypto';
import type { Settings } from './settings';

/** NAMEDATALEN - 1, as PostgreSQL is built. */
export const LONGEST_NAME_BYTES = 63;
/** Derived names begin so; others of this beginning belong to other warehouses. */
export const SLOT_PREFIX = 'pgsluice_';
const DIGEST_CHARACTERS = 12;

/** ReplicationSlotValidateName: lower-case letters, digits and underscores. */
export function isSlotName(name: string): boolean {
  return /^[a-z0-9_]+$/.test(name) && name.length <= LONGEST_NAME_BYTES;
}

/**
 * As configured, or made of where the rows go. A slot remembers one position: two warehouses of one database that shared
 * it would take changes away from each other.
 */
export function slotNameOf({
  slotName,
  warehousePath,
  destinationSchema,
}: Pick<Settings, 'slotName' | 'warehousePath' | 'destinationSchema'>): string {
  if (slotName !== undefined) return slotName;
  const digest = createHash('sha256').update(`${warehousePath}\0${destinationSchema}`).digest('hex');
  return `${SLOT_PREFIX}${digest.slice(0, DIGEST_CHARACTERS)}`;
}

/** The slot and publication that mode log uses on the source for a warehouse. */
export function logNamesOf(
  settings: Pick<Settings, 'slotName' | 'publicationName' | 'warehousePath' | 'destinationSchema'>,
): { readonly slotName: string; readonly publicationName: string } {
  return { slotName: slotNameOf(settings), publicationName: settings.publicationName };
}
