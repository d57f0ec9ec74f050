/** Takes mode log down: the slot first, since it is what costs the source; then the publication, if nobody else needs it. */
import { quoteIdentifier, quoteLiteral } from '../../postgres/connection';
import {
  dropSlot,
  OUTPUT_PLUGIN,
  readingObstacles,
  readLogFacts,
  type LogFacts,
  type LogNames,
  type Obstacle,
} from '../../postgres/log';
import { withSource } from '../pipeline';
import type { CatalogReader } from '../read-catalog';
import { logNamesOf } from '../../config/slot-name';
import { refused } from './log-setup';

export interface LogDrop {
  /** What would be dropped; empty: nothing is there. */
  readonly things: readonly string[];
  /** What stays, and why: a sentence each. */
  readonly kept: readonly string[];
  /** Tells of each thing as soon as it is dropped. */
  readonly dropAll: (tell: (line: string) => void) => Promise<void>;
}

/** Foreign slots are refused; see `readingObstacles`. */
const IN_THE_WAY: ReadonlySet<Obstacle['code']> = new Set(['slot_taken', 'slot_of_another_database', 'slot_in_use']);

/** Runs `action` with what there is to drop; nothing is dropped before it says so. */
export async function withLogDrop<T>(
  { settings, logger, signal }: Omit<CatalogReader, 'manager'>,
  action: (drop: LogDrop) => Promise<T>,
): Promise<T> {
  return await withSource(
    settings,
    logger,
    1,
    async (manager) => await action(await planLogDrop({ manager, settings, logger, signal })),
  );
}

async function planLogDrop({ manager, settings, signal }: CatalogReader): Promise<LogDrop> {
  const names = logNamesOf(settings);
  const session = await manager.lease(signal);
  const facts = await readLogFacts(session, names, signal);
  const others = facts.publication?.ours === true ? await otherReaders(names) : [];
  const obstacles = readingObstacles(facts, names).filter(({ code }) => IN_THE_WAY.has(code));
  await manager.release(session);
  if (obstacles.length > 0) throw refused('Nothing was dropped', obstacles);
  const publication = publicationFate(facts, others);
  const name = quoteIdentifier(names.publicationName);
  const things = [
    ...(facts.slot === null
      ? []
      : [
          {
            what: `the replication slot "${names.slotName}"`,
            sql: dropSlot(names.slotName).replace(/;$/, ''),
            writes: false,
          },
        ]),
    ...(publication.drops ? [{ what: `the publication ${name}`, sql: `DROP PUBLICATION ${name}`, writes: true }] : []),
  ];
  return {
    things: things.map(({ what }) => what),
    kept: publication.kept,
    dropAll: async (tell) => {
      const dropping = await manager.lease(signal);
      try {
        for (const { what, sql, writes } of things) {
          // Sessions of a sync can only read.
          for (const statement of writes ? ['BEGIN READ WRITE', sql, 'COMMIT'] : [sql])
            await dropping.query(statement, { doing: `dropping ${what}`, signal });
          tell(`Dropped ${what}.`);
        }
      } finally {
        await manager.release(dropping);
      }
    },
  };

  /** A publication may be read through any slot of its database; which one reads it, nothing tells. */
  async function otherReaders({ slotName }: LogNames): Promise<readonly string[]> {
    const [row] = await session.query(
      `SELECT coalesce(json_agg(s.slot_name), '[]')::text AS j FROM pg_catalog.pg_replication_slots s
       WHERE s.database = current_database() AND s.plugin = ${quoteLiteral(OUTPUT_PLUGIN)} AND s.slot_name <> ${quoteLiteral(slotName)}`,
      { doing: 'looking for other replication slots', signal },
    );
    return JSON.parse(String(row?.['j'])) as string[];
  }
}

function publicationFate(
  { publication, server }: LogFacts,
  others: readonly string[],
): { readonly drops: boolean; readonly kept: readonly string[] } {
  if (publication === null) return { drops: false, kept: [] };
  const name = quoteIdentifier(publication.name);
  if (!publication.ours)
    return { drops: false, kept: [`Kept the publication ${name}, which \`pgsluice log setup\` did not make.`] };
  if (others.length > 0)
    return {
      drops: false,
      kept: [`Kept the publication ${name}, which other replication slots may use: ${others.join(', ')}.`],
    };
  if (server.standby)
    return {
      drops: false,
      kept: [`Kept the publication ${name}, which only the primary can drop: DROP PUBLICATION ${name};`],
    };
  if (!publication.owned)
    return {
      drops: false,
      kept: [
        `Kept the publication ${name}, which belongs to "${publication.owner}" and costs nothing without a slot: DROP PUBLICATION ${name};`,
      ],
    };
  return { drops: true, kept: [] };
}
