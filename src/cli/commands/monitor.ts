import { diskOfRows } from '../../app/place-of-rows';
import { counted } from '../../common/counted';
import { ConnectorError } from '../../common/errors';
import { sleep } from '../../common/retry';
import type { Pressure, ProcessSample } from '../../model/resources';
import { createProcessStats } from '../../native/process-stats';
import { AdaptiveController, parametersFor, describePressure, ResourceMonitor } from '../../engine/pressure';
import type { Command, CommandContext } from '../command';
import { EXIT } from '../exit-codes';
import { printJson, wantsJson } from '../json-document';
import { wrap } from '../render-records';
import { formatBytes } from '../text-width';

/** CPU use is a difference: the first figure needs two readings this far apart. */
const FIRST_WINDOW_SECONDS = 0.25;

/**
 * Shows the pressure that a sync on this machine would see now, and its effect; reads nothing but the system's figures.
 */
export const monitor: Command = async (context) => {
  const { settings, output, signal } = context;
  const interval = intervalOf(context);
  const once = context.switches['once'] === 'true';
  const width = context.io.stdout.isTTY === true ? context.io.stdout.columns : undefined;
  const stats = createProcessStats(diskOfRows(settings));
  if (stats.degraded) output.logger.warning(`Degraded: ${stats.degradedReason ?? 'the native addon is missing.'}`);
  // The reader of the output has gone: `pgsluice monitor | head`.
  const leave = AbortSignal.any([signal, ...(context.io.outputLost === undefined ? [] : [context.io.outputLost])]);
  const source = new ResourceMonitor(stats);
  const { batchRows, threads } = parametersFor(0, 0, settings);
  const controller = new AdaptiveController({ batchRows, threads });
  for (let seconds = FIRST_WINDOW_SECONDS; ; seconds = interval) {
    try {
      await sleep(seconds, leave);
    } catch {
      // Ctrl-C is the normal way to leave; run-command returns the exit code.
      return EXIT.ok;
    }
    const pressure = source.read();
    const notices = controller.update(pressure, performance.now());
    const effect = { batchRows: controller.batchRows(), threads: controller.readers() };
    if (wantsJson(context)) {
      const at = new Date().toISOString();
      // Several documents are written one per line.
      printJson(
        context,
        { at, ...document(pressure, source.sample), ...effect, degraded: stats.degraded },
        once ? 2 : 0,
      );
    } else {
      const time = once ? '' : `${new Date().toISOString().slice(11, 19)} `;
      const lines = [
        `${time}${describePressure(pressure)}`,
        ...(once ? details(source.sample, pressure, effect) : []),
        ...notices.map((notice) => notice.message),
      ];
      output.print(lines.flatMap((line) => wrap(line, width)));
    }
    if (once) return EXIT.ok;
  }
};

function intervalOf(context: CommandContext): number {
  const text = context.switches['interval'] ?? '1';
  const seconds = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : NaN;
  if (seconds >= 0.1 && seconds <= 3600) return seconds;
  throw new ConnectorError(`--interval must be a number of seconds from 0.1 to 3600, not "${text}".`, {
    code: 'usage',
    kind: 'configuration',
  });
}

/** Unknown figures are null in JSON. */
function document(pressure: Pressure, sample: ProcessSample): Record<string, number | null> {
  return {
    memoryPercent: pressure.memoryPercent,
    memoryAvailableBytes: pressure.memoryAvailableBytes,
    memoryTotalBytes: sample.hostMemoryTotalBytes,
    memoryLimitBytes: sample.cgroupMemoryLimitBytes,
    memoryStallPercent: pressure.memoryStallPercent ?? null,
    cpuPercent: pressure.cpuPercent,
    cpuQuotaCores: sample.cgroupCpuQuotaCores,
    diskPercent: pressure.diskPercent,
    diskFreeBytes: sample.diskTotalBytes - sample.diskUsedBytes,
  };
}

function details(
  sample: ProcessSample,
  pressure: Pressure,
  effect: { readonly batchRows: number; readonly threads: number },
): readonly string[] {
  const limit = sample.cgroupMemoryLimitBytes;
  const quota = sample.cgroupCpuQuotaCores;
  const stall = pressure.memoryStallPercent;
  return [
    `Memory counts against ${Number.isNaN(limit) ? `the host's ${formatBytes(sample.hostMemoryTotalBytes)}` : `the cgroup's limit of ${formatBytes(limit)}`}`,
    `CPU counts against ${Number.isNaN(quota) ? "the host's cores" : `the cgroup's quota of ${counted(quota, 'core')}`}`,
    ...(stall === undefined ? [] : [`Tasks waited for memory ${stall.toFixed(1)}% of the last 10 s`]),
    `Disk of the warehouse: ${formatBytes(sample.diskTotalBytes - sample.diskUsedBytes)} free`,
    `A small table would be read in batches of ${counted(effect.batchRows, 'row')} by ${effect.threads === 1 ? 'one reader' : `${effect.threads} readers`}`,
  ];
}
