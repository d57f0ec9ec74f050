/** The tables of `fleet status` and `fleet sources`. */
import type { FleetStatus } from '../fleet';
import { renderRecords, wrap } from './render-records';
import { formatAge } from './text-time';
import { formatCounted, formatInteger } from './text-width';

export interface ListedSource {
  readonly name: string;
  readonly schedule: string | null;
  readonly destinationSchema: string;
  readonly file: string;
}

export function renderSources(sources: readonly ListedSource[], width: number | undefined): readonly string[] {
  const rows = sources.map(({ name, schedule, destinationSchema, file }) => [
    name,
    schedule ?? 'on demand',
    destinationSchema,
    file,
  ]);
  return renderRecords(['Source', 'Schedule', 'Schema', 'File'], rows, { right: [], optional: ['File'], width });
}

export function renderFleet(found: FleetStatus, now: Date, width: number | undefined): readonly string[] {
  const { sources, workers, lastMaintenance } = found;
  const live = workers.filter((worker) => worker.live);
  const rows = sources.map((source) => {
    const { lastRound: round } = source;
    return [
      source.name,
      source.schedule ?? 'on demand',
      source.syncedAsOf === null ? 'never' : `${formatAge(source.syncedAsOf, now)} ago`,
      round === null ? '–' : round.state,
      round === null ? '–' : formatInteger(round.tables),
      round === null ? '–' : formatInteger(round.unchanged),
      round === null ? '–' : formatInteger(round.rows),
      formatInteger(source.waiting),
      formatInteger(source.running),
    ];
  });
  const header = ['Source', 'Schedule', 'As of', 'Last round', 'Read', 'Unchanged', 'Rows', 'Waiting', 'Running'];
  return [
    ...wrap(
      `${formatCounted(live.length, 'worker')} alive; ${formatCounted(found.waiting, 'job')} waiting, ${formatInteger(found.running)} running in the queue ${found.queue}`,
      width,
    ),
    ...(live.length === 0 ? wrap('No worker is alive: start one with `pgsluice fleet work`.', width) : []),
    ...(lastMaintenance === null
      ? []
      : wrap(`Last maintenance ${formatAge(lastMaintenance.at, now)} ago: ${lastMaintenance.summary}`, width)),
    '',
    ...renderRecords(header, rows, {
      right: ['Read', 'Unchanged', 'Rows', 'Waiting', 'Running'],
      optional: ['Unchanged', 'Schedule'],
      width,
    }),
    ...sources.flatMap(({ name, failures }) =>
      failures.flatMap(({ at, what, message, retried }) =>
        wrap(`${retried ? 'TRIED AGAIN' : 'FAILED'} ${name}, ${what}, ${formatAge(at, now)} ago: ${message}`, width),
      ),
    ),
    ...sources.flatMap(({ name, refusals }) =>
      Object.entries(refusals).flatMap(([worker, reason]) => wrap(`GIVEN UP ${name} by ${worker}: ${reason}`, width)),
    ),
  ];
}
