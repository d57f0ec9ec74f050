/** Mode log as people read it: the statements of its setup, and how it stands. */
import { counted } from '../common/counted';
import type { LogSetup } from '../app/log/log-setup';
import type { LogStatus, SlotFacts } from '../app/log/log-status';
import { gigabytes } from '../app/log/retained-wal';
import { renderRecords, wrap } from './render-records';
import { formatAge, formatTime } from './text-time';
import { formatInteger } from './text-width';

const LISTED = 50;
/** What a missing publication asks for; said of each table in the JSON document. */
const SET_UP = 'Run `pgsluice log setup`.';
const LABEL_WIDTH = 13;

/** An SQL script whose comments say what it is about. */
export function renderSetup(setup: LogSetup, width: number | undefined): readonly string[] {
  const { statements, facts, names, rights } = setup;
  const { server } = facts;
  const comment = (text: string, indent = 0): readonly string[] =>
    wrap(text, width === undefined ? undefined : width - 3 - indent).map(
      (line, index) => `-- ${' '.repeat(index === 0 ? 0 : indent)}${line}`,
    );
  const missing = [...statements.publication, ...statements.slot];
  const { covered, uncovered, existing } = statements;
  return [
    ...comment(
      `Mode log of the database "${server.database}": replication slot "${names.slotName}", publication "${names.publicationName}", ${covered.length} of ${counted(covered.length + uncovered.length, 'table')}.`,
    ),
    ...comment(
      'It needs wal_level = logical, a free replication slot, and for the role of the sync the attribute REPLICATION.',
    ),
    ...comment(
      server.maxSlotWalKeepBytes < 0
        ? 'It costs: from now on the server keeps its log on disk until a sync has read it, without limit (max_slot_wal_keep_size is -1).'
        : `It costs: from now on the server keeps its log on disk until a sync has read it, up to ${gigabytes(server.maxSlotWalKeepBytes)} (max_slot_wal_keep_size).`,
    ),
    ...comment(
      'While a table is published, its primary key can be replaced only after it was taken out of the publication.',
    ),
    ...existing.flatMap((sentence) => comment(sentence)),
    ...(missing.length === 0 ? comment('Nothing is left to do.') : []),
    ...rights.flatMap(({ message, remedy }) => comment(`${message} ${remedy}`)),
    '',
    ...(statements.publication.length === 0
      ? []
      : ['BEGIN;', ...statements.publication.map(({ sql }) => sql), 'COMMIT;']),
    ...(statements.slot.length === 0 ? [] : comment('The slot waits until every transaction that runs now has ended.')),
    ...statements.slot.map(({ sql }) => sql),
    ...(uncovered.length === 0 ? [] : ['', ...comment('Not in mode log, and synced as before:')]),
    ...uncovered
      .slice(0, LISTED)
      .flatMap(({ table, gap }) =>
        comment(`${table}: ${gap.reason}${gap.remedy === undefined ? '' : ` (${gap.remedy})`}`, 2),
      ),
    ...(uncovered.length > LISTED ? comment(`… and ${uncovered.length - LISTED} more; --json shows them all`) : []),
  ];
}

export function renderLogStatus(status: LogStatus, now: Date, width: number | undefined): readonly string[] {
  const { slot, publication, tables, otherSlots } = status;
  const covered = tables.filter((table) => table.covered).length;
  const facts: readonly (readonly [string, string])[] = [
    [
      'Slot',
      slot === null
        ? `"${status.slotName}" does not exist`
        : `"${status.slotName}", ${slot.active ? 'being read' : 'not being read'}${slot.walStatus === null ? '' : `, wal_status ${slot.walStatus}`}`,
    ],
    ...(slot?.confirmedFlushLsn == null
      ? []
      : [
          [
            'Position',
            `${slot.confirmedFlushLsn}${status.lastLogPassAt === null ? '' : `; the last sync in mode log was at ${formatTime(status.lastLogPassAt)}`}`,
          ] as const,
        ]),
    ...(slot === null ? [] : [['Kept log', keptLog(status, slot, now)] as const]),
    [
      'Publication',
      publication === null
        ? `"${status.publicationName}" does not exist`
        : `"${status.publicationName}" of ${publication.owner}, ${counted(publication.tables, 'table')}${publication.ours ? '' : ', not made by pgsluice'}`,
    ],
    ['Tables', `${formatInteger(covered)} of ${formatInteger(tables.length)} in mode log`],
  ];
  // Where there is no publication, one line says so of all.
  const uncovered = tables.filter((table) => !table.covered && (publication !== null || table.remedy !== SET_UP));
  const rows = uncovered.slice(0, LISTED).map(({ table, reason, remedy }) => [table, reason ?? '–', remedy ?? '–']);
  return [
    ...facts.flatMap(([name, text]) =>
      wrap(text, width === undefined ? undefined : width - LABEL_WIDTH).map(
        (line, index) => `${(index === 0 ? name : '').padEnd(LABEL_WIDTH)}${line}`,
      ),
    ),
    ...status.obstacles.flatMap(({ message, remedy }) => wrap(`FAILURE ${message} ${remedy}`, width)),
    ...status.warnings.flatMap((sentence) => wrap(`WARNING ${sentence}`, width)),
    ...(rows.length === 0
      ? []
      : ['', 'Not in mode log:', '', ...renderRecords(['Table', 'Why', 'What helps'], rows, { width })]),
    ...(uncovered.length > LISTED ? [`… and ${uncovered.length - LISTED} more; --json shows them all`] : []),
    ...(otherSlots.length === 0
      ? []
      : [
          '',
          ...wrap('Other slots of pgsluice in this database; drop those whose warehouse is gone:', width),
          ...otherSlots.flatMap(({ drop, retainedBytes, active, inactiveSinceMs }) => {
            const kept = retainedBytes === null ? '' : `, keeps ${gigabytes(retainedBytes)}`;
            const since =
              inactiveSinceMs === null
                ? ''
                : `, not read for ${formatAge(new Date(inactiveSinceMs).toISOString(), now)}`;
            return [`${drop} -- ${active ? 'being read' : 'idle'}${kept}${since}`];
          }),
        ]),
  ];
}

function keptLog({ walLimitBytes: limit, lastLogPassAt }: LogStatus, slot: SlotFacts, now: Date): string {
  const { retainedBytes, safeWalBytes, inactiveSinceMs } = slot;
  const amount = retainedBytes === null ? 'not known' : gigabytes(retainedBytes);
  const since = lastLogPassAt ?? (inactiveSinceMs === null ? null : new Date(inactiveSinceMs).toISOString());
  const age = since === null ? '' : ` of ${formatAge(since, now)}`;
  const left = safeWalBytes === null ? '' : `, ${gigabytes(Math.max(0, safeWalBytes))} left`;
  return `${amount}${age}; ${limit === null ? 'max_slot_wal_keep_size is -1: no limit' : `given up above ${gigabytes(limit)} (max_slot_wal_keep_size)${left}`}`;
}
