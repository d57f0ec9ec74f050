import type { Settings } from '../config/settings';

/** Whether page, metrics, report or traces are requested: only then are their modules loaded. */
export function isWanted(settings: Settings, env: Readonly<Record<string, string | undefined>>): boolean {
  return settings.metricsPort !== undefined || settings.reportPath !== undefined || tracesWanted(env);
}

/** The names are those of the OpenTelemetry specification. */
export function tracesWanted(env: Readonly<Record<string, string | undefined>>): boolean {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return false;
  return Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT']) || Boolean(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
}
