/** The figures of `fleet status` in the text format of Prometheus. */
import type { FleetStatus } from './status';

interface Metric {
  readonly name: string;
  readonly help: string;
  /** Labels as they are written, and the value. */
  readonly samples: readonly (readonly [labels: string, value: number])[];
}

export function renderMetrics(status: FleetStatus): string {
  const { sources, workers } = status;
  const bySource = (of: (source: FleetStatus['sources'][number]) => number | null): Metric['samples'] =>
    sources.flatMap((source) => {
      const value = of(source);
      return value === null ? [] : [[`{source="${source.name}"}`, value] as const];
    });
  const metrics: readonly Metric[] = [
    {
      name: 'pgsluice_fleet_workers',
      help: 'Workers that are alive.',
      samples: [['', workers.filter(({ live }) => live).length]],
    },
    { name: 'pgsluice_fleet_sources', help: 'Sources that are known.', samples: [['', sources.length]] },
    { name: 'pgsluice_fleet_jobs_waiting', help: 'Jobs that wait.', samples: bySource(({ waiting }) => waiting) },
    { name: 'pgsluice_fleet_jobs_running', help: 'Jobs that run.', samples: bySource(({ running }) => running) },
    {
      name: 'pgsluice_fleet_lag_seconds',
      help: 'Seconds since the last round that succeeded whole began.',
      samples: bySource(({ lagSeconds }) => lagSeconds),
    },
    {
      name: 'pgsluice_fleet_tables_read',
      help: 'Tables that the last round had to read.',
      samples: bySource(({ lastRound }) => lastRound?.tables ?? null),
    },
    {
      name: 'pgsluice_fleet_tables_unchanged',
      help: 'Tables that the last round proved unchanged.',
      samples: bySource(({ lastRound }) => lastRound?.unchanged ?? null),
    },
    {
      name: 'pgsluice_fleet_rows',
      help: 'Rows that the last round has written so far.',
      samples: bySource(({ lastRound }) => lastRound?.rows ?? null),
    },
    {
      name: 'pgsluice_fleet_failures',
      help: 'Failures since the last round that succeeded whole, five at most.',
      samples: bySource(({ failures }) => failures.length),
    },
  ];
  return metrics
    .map(
      ({ name, help, samples }) =>
        `# HELP ${name} ${help}\n# TYPE ${name} gauge\n` +
        samples.map(([labels, value]) => `${name}${labels} ${value}\n`).join(''),
    )
    .join('');
}
