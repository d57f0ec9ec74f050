/** Opens what a sync needs: the user's rules, source and destination, and reads what both know of the tables. */
import type { Settings } from '../config/settings';
import type { Destination } from '../destinations/destination';
import { diskOf } from '../destinations/place';
import { createDestination } from '../destinations/registry';
import type { TableState } from '../model/sync-state';
import { createProcessStats } from '../native/process-stats';
import { isThisHost, serverCpuSeconds } from '../native/server-processes';
import type { ConnectionManager } from '../postgres/connection';
import { ResourceMonitor, SYNC_CPU_WINDOW_MS, type PressureSource } from '../engine/pressure';
import type { TransformationModule } from '../engine/rules';
import type { Lifecycle } from './lifecycle';
import { userModule } from './pipeline';
import { readCatalogWhile, type SourceFindings } from './read-catalog';
import type { RunContext } from './run-context';
import type { RunRecorder } from './run-recorder';
import { openSource } from './source-connection';
import { noteForeignState } from './state-copy';

/** More readers than this would only wait for each other on any server we know of. */
export const MAX_READERS = 64;

export interface OpenSync {
  readonly monitor: PressureSource;
  readonly module: TransformationModule;
  readonly manager: ConnectionManager;
  readonly destination: Destination;
  /** By table, as committed by the last sync; the writer keeps it so. */
  readonly states: Map<string, TableState>;
  readonly findings: SourceFindings;
}

/** `lifecycle` releases it; the run is recorded after all else of the sync, when its outcome is known. */
export async function openSync(
  lifecycle: Lifecycle,
  settings: Settings,
  context: RunContext,
  recorder: RunRecorder,
  make: typeof createDestination = createDestination,
): Promise<OpenSync> {
  const { logger, observer, signal } = context;
  const module = await userModule(settings);
  const manager = lifecycle.use(
    openSource(settings, logger, context.maxConnections ?? MAX_READERS + 1, context.clock, (statement) =>
      observer.statement?.(statement),
    ),
    (it) => it.close(),
  );
  const monitor = openMonitor(settings, context, manager);
  const destination = context.destination ?? make(settings, monitor.read().memoryAvailableBytes, logger);
  lifecycle.use(destination, async (it) => {
    // Connections end in threads of their own, but a connection that has just ended a statement waits for them (the
    // odbc package's lock). So they are closed now that the run is recorded, while the warehouse closes.
    void manager.close();
    await it.close();
  });
  const { roundTripMs } = context;
  const ownWarehouse = destination.comparesKeys !== false;
  const reader = { manager, settings, logger, signal, ownWarehouse, roundTripMs };
  const { opened: states, findings } = await readCatalogWhile(reader, async () => {
    const stored = new Map<string, TableState>(await destination.open());
    // The run is recorded before the destination is released, when the outcome is known.
    lifecycle.use(destination, (it) => recorder.write(it));
    if (stored.size === 0 && context.amongOthers !== true) noteForeignState(settings, logger);
    return stored;
  });
  return { monitor, module, manager, destination, states, findings };
}

function openMonitor(
  settings: Settings,
  { pressure, logger }: RunContext,
  manager: Pick<ConnectionManager, 'backendPids'>,
): PressureSource {
  const stats = createProcessStats(diskOf(settings));
  if (stats.degraded)
    logger.warning(`Running degraded, without the native addon: ${stats.degradedReason ?? 'unknown reason'}`);
  const isHere = settings.host !== undefined && isThisHost(settings.host);
  const backends = isHere ? () => serverCpuSeconds(manager.backendPids) : undefined;
  return pressure ?? new ResourceMonitor(stats, SYNC_CPU_WINDOW_MS, SYNC_CPU_WINDOW_MS, backends);
}
