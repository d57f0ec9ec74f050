/** What stands in the way of mode log, each with the statement that helps. */
import { quoteIdentifier } from '../connection';
import type { LogFacts, LogNames, ServerLogFacts, SlotFacts } from './slot-facts';

export interface Obstacle {
  /** For scripts. */
  readonly code:
    | 'server_version'
    | 'wal_level'
    | 'standby_version'
    | 'replication_right'
    | 'slots_used_up'
    | 'slot_missing'
    | 'slot_taken'
    | 'slot_of_another_database'
    | 'slot_in_use'
    | 'slot_invalid'
    | 'publication_missing'
    | 'publication_right'
    | 'publication_foreign'
    | 'standby_publication'
    | 'pooler'
    | 'no_tables';
  /** One sentence. */
  readonly message: string;
  /** A statement, or a sentence where none helps. */
  readonly remedy: string;
}

export const OUTPUT_PLUGIN = 'pgoutput';
/** What older ones decode is not tested. */
const OLDEST = 120_000;
/** Logical decoding on a standby. */
const STANDBY_SINCE = 160_000;
/** As many as PostgreSQL's default, when a limit is raised. */
const MORE_SLOTS = 10;

/** Why neither a slot can be made nor one be read. */
function serverObstacles(server: ServerLogFacts): readonly Obstacle[] {
  const obstacles: Obstacle[] = [];
  if (server.versionNumber < OLDEST)
    obstacles.push({
      code: 'server_version',
      message: 'The server is older than PostgreSQL 12, from which on mode log works.',
      remedy: 'Upgrade it, or leave "sync_mode" at auto.',
    });
  if (server.standby && server.versionNumber < STANDBY_SINCE)
    obstacles.push({
      code: 'standby_version',
      message: 'The server is a standby, and before PostgreSQL 16 a standby cannot decode its log.',
      remedy: 'Set "host" to the primary, or upgrade to PostgreSQL 16 or newer.',
    });
  if (server.walLevel !== 'logical')
    obstacles.push({
      code: 'wal_level',
      message: `The server's wal_level is ${server.walLevel}, and mode log needs logical.`,
      remedy: 'ALTER SYSTEM SET wal_level = logical; -- then restart the server',
    });
  if (server.mayReplicate === false)
    obstacles.push({
      code: 'replication_right',
      message: `The role "${server.user}" may use no replication slot.`,
      remedy:
        server.serviceRole === null
          ? `ALTER ROLE ${quoteIdentifier(server.user)} REPLICATION;`
          : `GRANT ${quoteIdentifier(server.serviceRole)} TO ${quoteIdentifier(server.user)};`,
    });
  return obstacles;
}

/** Why slot and publication cannot be made, or must not. */
export function setupObstacles(facts: LogFacts, names: LogNames): readonly Obstacle[] {
  const { server, slot } = facts;
  const obstacles = [...serverObstacles(server), ...(slot === null ? [] : whoseSlot(slot, server))];
  if (slot === null && server.usedReplicationSlots >= server.maxReplicationSlots)
    obstacles.push({
      code: 'slots_used_up',
      message: `All ${server.maxReplicationSlots} replication slots of the server are in use, so "${names.slotName}" cannot be made.`,
      remedy: `ALTER SYSTEM SET max_replication_slots = ${server.maxReplicationSlots + MORE_SLOTS}; -- then restart the server; or drop a slot that nobody reads: SELECT slot_name, active FROM pg_replication_slots;`,
    });
  return obstacles;
}

/** Why the log cannot be read now. */
export function readingObstacles(facts: LogFacts, names: LogNames): readonly Obstacle[] {
  const { server, slot, publication } = facts;
  const obstacles = [...serverObstacles(server)];
  if (slot === null)
    obstacles.push({
      code: 'slot_missing',
      message: `There is no replication slot "${names.slotName}".`,
      remedy: 'Run `pgsluice log setup`.',
    });
  else obstacles.push(...whoseSlot(slot, server), ...invalid(slot));
  if (publication === null)
    obstacles.push({
      code: 'publication_missing',
      message: `There is no publication "${names.publicationName}".`,
      remedy: 'Run `pgsluice log setup`.',
    });
  return obstacles;
}

/** Whether the server keeps no log for it any more; it can only be dropped. */
export function isInvalid({ invalidationReason, walStatus, type, restartLsn }: SlotFacts): boolean {
  return invalidationReason !== null || walStatus === 'lost' || (type === 'logical' && restartLsn === null);
}

function whoseSlot(slot: SlotFacts, server: ServerLogFacts): readonly Obstacle[] {
  const another = 'Name another one with "slot_name"';
  if (slot.type !== 'logical' || slot.plugin !== OUTPUT_PLUGIN || slot.temporary) {
    const what = slot.type === 'logical' ? `of the output plugin ${slot.plugin ?? ''}` : 'a physical one, of a standby';
    return [
      {
        code: 'slot_taken',
        message: `The replication slot "${slot.name}" is ${slot.temporary ? 'a temporary one of another session' : what}, and not ours.`,
        remedy: `${another}, or, where nobody needs it: ${dropSlot(slot.name)}`,
      },
    ];
  }
  if (slot.database !== server.database)
    return [
      {
        code: 'slot_of_another_database',
        message: `The replication slot "${slot.name}" belongs to the database "${slot.database ?? ''}".`,
        remedy: `${another}.`,
      },
    ];
  if (slot.active)
    return [
      {
        code: 'slot_in_use',
        message: `The replication slot "${slot.name}" is being read by another session${slot.activePid === null ? '' : ` (PID ${slot.activePid})`}.`,
        remedy: `Wait for it${slot.activePid === null ? '' : `, or end it: SELECT pg_terminate_backend(${slot.activePid});`}`,
      },
    ];
  return [];
}

function invalid(slot: SlotFacts): readonly Obstacle[] {
  if (!isInvalid(slot)) return [];
  const reason = slot.invalidationReason ?? slot.walStatus;
  return [
    {
      code: 'slot_invalid',
      message: `The server has given up the replication slot "${slot.name}"${reason === null ? '' : ` (${reason})`}: the log that it needs is gone.`,
      remedy: 'Run `pgsluice log setup --apply`, which makes it anew.',
    },
  ];
}

/** Names of slots have nothing that would have to be quoted. */
export function dropSlot(name: string): string {
  return `SELECT pg_catalog.pg_drop_replication_slot('${name}');`;
}
