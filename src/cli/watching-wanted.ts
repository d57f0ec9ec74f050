import type { Settings } from '../config/settings';

/** Whether anybody looks on: only then are charts, metrics and traces loaded. */
export function isWanted(settings: Settings, env: Readonly<Record<string, string | undefined>>): boolean {
  return settings.metricsPort !== undefined || settings.reportPath !== undefined || tracesWanted(env);
}

/** As the OpenTelemetry specification names them. */
export function tracesWanted(env: Readonly<Record<string, string | undefined>>): boolean {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return false;
  return Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT']) || Boolean(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
}
