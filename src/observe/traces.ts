/**
 * The sync as OpenTelemetry traces: one span for the sync, one per table, per statement that reads and per checkpoint.
 */
import { SpanStatusCode, trace, context as contexts, type Context, type Span } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { createRedactor } from '../common/redact';
import type { PlannedTable } from '../model/plan';
import type { StatementEvent, SyncObserver } from '../model/report';
import { tableKey } from '../model/table';

export interface SyncTraces {
  readonly observer: SyncObserver;
  /** `error` is set where something failed. Resolves when the spans were sent, or given up after a few seconds. */
  end(error: string | undefined): Promise<void>;
}

export interface TraceOptions {
  readonly version: string;
  readonly source: string;
  /** Masked in every text. */
  readonly secrets: readonly string[];
}

/** A collector that does not answer must not delay the end of the sync. */
const SEND_MS = 5000;

/** The SDK itself reads from OTEL_* where spans go, and under which service name. */
export function startTraces({ version, source, secrets }: TraceOptions): SyncTraces {
  const redact = createRedactor(secrets);
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'pgsluice', 'service.version': version }))
    .merge(detectResources({ detectors: [envDetector] }));
  const processor = new BatchSpanProcessor(new OTLPTraceExporter({ timeoutMillis: SEND_MS }));
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  const tracer = provider.getTracer('pgsluice', version);
  const sync = tracer.startSpan('sync', { attributes: { 'db.system.name': 'postgresql', 'db.namespace': source } });
  const within = (span: Span): Context => trace.setSpan(contexts.active(), span);
  const tables = new Map<string, Span>();
  const byRelation = new Map<string, string>();

  const started = (table: PlannedTable): void => {
    const key = tableKey(table.table);
    const attributes = {
      'db.collection.name': key,
      'pgsluice.mode': table.mode,
      'pgsluice.estimated_rows': table.table.estimatedRows,
    };
    tables.set(key, tracer.startSpan(`table ${key}`, { attributes }, within(sync)));
    byRelation.set(key, key);
    for (const { schema, name } of table.table.relations) byRelation.set(`${schema}.${name}`, key);
  };
  const statement = ({ reads, backendPid, startedMs, endedMs, failed }: StatementEvent): void => {
    const [relation, ...others] = [reads ?? []].flat();
    // A statement over several tables belongs to none of them.
    const parent = others.length > 0 ? sync : tables.get(byRelation.get(relation ?? '') ?? '');
    if (relation === undefined || parent === undefined) return;
    const attributes = {
      'db.collection.name': relation,
      'pgsluice.backend_pid': backendPid,
      ...(others.length === 0 ? {} : { 'pgsluice.tables': others.length + 1 }),
    };
    const span = tracer.startSpan('batch', { attributes, startTime: timeOf(startedMs) }, within(parent));
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(timeOf(endedMs));
  };
  return {
    observer: {
      tableStarted: started,
      statement,
      checkpoint: (seconds) => {
        const now = performance.now();
        tracer.startSpan('checkpoint', { startTime: timeOf(now - seconds * 1000) }, within(sync)).end(timeOf(now));
      },
      retry: (table, attempt, delaySeconds) => {
        tables.get(tableKey(table.table))?.addEvent('retry', { attempt, delay_seconds: delaySeconds });
      },
      tableFinished: (table, { rows, error }) => {
        const span = tables.get(tableKey(table.table));
        span?.setAttribute('pgsluice.rows', rows);
        if (error !== undefined) span?.setStatus({ code: SpanStatusCode.ERROR, message: redact(error.describe()) });
        span?.end();
      },
    },
    end: async (error) => {
      for (const span of tables.values()) if (span.isRecording()) span.end();
      if (error !== undefined) sync.setStatus({ code: SpanStatusCode.ERROR, message: redact(error) });
      sync.end();
      const timeout = new Promise<void>((resolve) => void setTimeout(resolve, SEND_MS).unref());
      await Promise.race([provider.shutdown().catch(() => undefined), timeout]);
    },
  };
}

/** Milliseconds since 1970, from the clock of performance.now(). */
function timeOf(ms: number): number {
  return performance.timeOrigin + ms;
}
