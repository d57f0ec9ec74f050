/** Mode log, where there is a slot of ours or somebody asks for it: whether it can be used, and what it keeps on the source's disk. */
import type { Settings } from '../../config/settings';
import { logNamesOf } from '../../config/slot-name';
import { dropSlot, readingObstacles, type LogFacts } from '../../postgres/log';
import { gigabytes, muchWal, MUCH_WAL_BYTES, slotWal } from '../log/retained-wal';
import { ok, warning, type Finding } from './finding';

/** `facts`: undefined where nobody has anything to do with mode log; then nothing was asked. */
export function checkLog(facts: LogFacts | undefined, settings: Settings): readonly Finding[] {
  if (facts === undefined) return [];
  const wal = slotWal(facts);
  const obstacles = readingObstacles(facts, logNamesOf(settings));
  const much = wal === undefined ? undefined : muchWal(wal);
  return [
    ...obstacles.map(({ message, remedy }) => warning('log', `${message} Other modes are used.`, remedy)),
    ...(wal === undefined || obstacles.length > 0
      ? []
      : [
          ok(
            'log',
            `The replication slot "${wal.slotName}" keeps ${wal.bytes === null ? 'some' : gigabytes(wal.bytes)} of log on the disk of the source.`,
          ),
        ]),
    ...(much === undefined
      ? []
      : [
          warning(
            'wal',
            much,
            'Sync more often, or end it with `pgsluice log drop`; `pgsluice log status` shows more.',
          ),
        ]),
    ...facts.otherSlots
      .filter(({ active, retainedBytes }) => !active && (retainedBytes ?? 0) > MUCH_WAL_BYTES)
      .map(({ name, retainedBytes }) =>
        warning(
          'wal',
          `The replication slot "${name}", of another warehouse, keeps ${gigabytes(retainedBytes ?? 0)} of log on the disk of the source.`,
          `If that warehouse is gone: ${dropSlot(name)}`,
        ),
      ),
  ];
}
