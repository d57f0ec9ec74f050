import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODULES_MAIN, runCli, writeConfiguration } from '../../helpers/cli';
import { createDemoDatabase } from '../../helpers/demo-database';
import type { TestDatabase } from '../../helpers/postgres';

interface Span {
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code?: number; readonly message?: string };
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
    };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

let database: TestDatabase;
let collector: Server;
let endpoint: string;
const received: Export[] = [];
const paths = new Set<string>();

beforeAll(async () => {
  database = await createDemoDatabase(20_000);
  collector = createServer((request, response) => {
    let body = '';
    paths.add(request.url ?? '');
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      received.push(JSON.parse(body) as Export);
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
});

afterAll(async () => {
  collector.closeAllConnections();
  await new Promise<void>((resolve) => collector.close(() => resolve()));
  await database.drop();
});

it('sends a span for the sync, each table, its batches and each checkpoint', async () => {
  const configuration = writeConfiguration(database, {
    table_filters: 'public.customers, public.orders',
    custom_batch_size: '500',
  });
  const { code } = await runCli(['sync', '--configuration', configuration], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: 'shop-sync' },
  });
  expect(code).toBe(0);
  expect([...paths]).toEqual(['/v1/traces']);
  const spans = received.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
  );
  const named = (name: string): readonly Span[] => spans.filter((span) => span.name === name);
  const [sync] = named('sync');
  expect(sync?.parentSpanId ?? '').toBe('');
  const [customers] = named('table public.customers');
  expect(customers?.parentSpanId).toBe(sync?.spanId);
  const batches = named('batch').filter((span) => span.parentSpanId === customers?.spanId);
  expect(batches.length).toBeGreaterThan(2);
  for (const batch of batches) {
    expect(BigInt(batch.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(sync?.startTimeUnixNano ?? '0'));
    expect(BigInt(batch.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(batch.startTimeUnixNano));
  }
  expect(named('checkpoint').length).toBeGreaterThan(0);
  const attributes = received[0]?.resourceSpans[0]?.resource.attributes ?? [];
  expect(attributes.find(({ key }) => key === 'service.name')?.value.stringValue).toBe('shop-sync');
  expect(JSON.stringify(received).includes(database.password)).toBe(false);
});

it('loads nothing of tracing, metrics or the page where none is asked for', async () => {
  const configuration = writeConfiguration(database, { table_filters: 'public.suppliers' });
  const loaded = join(database.folder, 'loaded.json');
  const hook = join(database.folder, 'loaded.cjs');
  writeFileSync(
    hook,
    `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(loaded)}, JSON.stringify(Object.keys(require.cache))));`,
  );
  const load = async (more: { readonly main?: string }): Promise<readonly string[]> => {
    const { code } = await runCli(['sync', '--configuration', configuration], {
      ...more,
      nodeArguments: ['--require', hook],
    });
    expect(code).toBe(0);
    return JSON.parse(readFileSync(loaded, 'utf8')) as readonly string[];
  };
  const modules = await load({ main: MODULES_MAIN });
  expect(modules.some((path) => path.includes('cli/commands/sync'))).toBe(true);
  expect(modules.filter((path) => /@opentelemetry|prom-client|cli\/watch\/(?!wanted)/.test(path))).toEqual([]);
  // The bundle's own modules are in it; packages that are not are loaded beside it.
  const besideBundle = await load({});
  expect(besideBundle.filter((path) => /duckdb\.node$/.test(path))).toHaveLength(1);
  expect(besideBundle.filter((path) => /@opentelemetry|prom-client|@grpc|uplot/.test(path))).toEqual([]);
});

it('ends as it would otherwise where no collector answers', async () => {
  const configuration = writeConfiguration(database, { table_filters: 'public.customers' });
  const { code } = await runCli(['sync', '--configuration', configuration], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
  });
  expect(code).toBe(0);
});
