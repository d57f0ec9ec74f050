/** The examples of docs/CUSTOMIZATION.md, run as they stand there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTableOptions } from '../../../src/config/table-options';
import { parseColumnRules } from '../../../src/config/column-rules';
import { hashKeyOf } from '../../../src/model/hash-key';
import { loadSettings } from '../../../src/config/load-settings';
import { withWarehouse } from '../../helpers/compare';
import { createDemoDatabase } from '../../helpers/demo-database';
import type { TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

const text = readFileSync(join(__dirname, '../../../docs/CUSTOMIZATION.md'), 'utf8');

function example(label: string): string {
  const found = new RegExp(`^\`\`\`${label}\\n(.*?)^\`\`\``, 'ms').exec(text)?.[1];
  if (found === undefined) throw new Error(`The document has no example "${label}".`);
  return found;
}

let database: TestDatabase;
beforeEach(async () => {
  database = await createDemoDatabase(5_000);
});
afterEach(() => database.drop());

const rows = (sql: string): Promise<unknown[][]> => withWarehouse(database, (warehouse) => warehouse.rows(sql));

/** The settings that a configuration of these keys gives. */
function configured(json: string): ReturnType<typeof loadSettings>['settings'] {
  const path = join(database.folder, 'example.json');
  const connection = { host: 'h', port: '1', database: 'd', username: 'u', password: 'p' };
  writeFileSync(path, JSON.stringify({ ...connection, ...(JSON.parse(json) as object) }));
  return loadSettings({ configurationPath: path, flags: {}, env: {}, cwd: database.folder }).settings;
}

test('the filter takes the tables of a schema but some', async () => {
  const { tableFilters } = configured(example('json filter'));
  const { report } = await sync(database, { tableFilters });
  const keys = report.tables.map(({ key }) => key);
  expect(keys).toContain('public.orders');
  expect(keys.filter((key) => !key.startsWith('public.') || /order_items|log/.test(key))).toEqual([]);
});

test('a pattern that matches nothing is warned of, with what was probably meant', async () => {
  const { lines } = await sync(database, {
    tableFilters: ['public.ordres', 'public.orders', '!public.nothing_like_it'],
  });
  expect(lines).toContainEqual(
    expect.stringMatching(/^WARNING The pattern "public.ordres" .* did you mean public\.orders\?$/),
  );
  expect(lines).toContainEqual(
    expect.stringMatching(/^WARNING The pattern "!public.nothing_like_it" .*`pgsluice plan` shows/),
  );
});

test('the rules of columns hash, mask and leave out', async () => {
  const columns = parseColumnRules(example('json columns'), database.folder);
  await sync(database, { columns, hashKey: hashKeyOf(Buffer.from('a key of more than sixteen characters')) });
  const [row] = await rows(
    `SELECT bool_and(length(email) = 64), bool_and(name LIKE '**%'), count(*) > 0 FROM tester.source_public_customers WHERE email IS NOT NULL`,
  );
  expect(row).toEqual([true, true, true]);
  expect(
    await rows(`SELECT name FROM pragma_table_info('tester.source_public_customers') WHERE name = 'notes'`),
  ).toEqual([]);
});

test('the options of single tables decide their modes', async () => {
  const tableOptions = parseTableOptions(example('json options'), database.folder);
  const { lines } = await sync(database, { tableOptions, syncMode: 'auto' });
  const planned = (table: string): string | undefined => lines.find((line) => line.includes(`  ${table}: about`));
  expect(planned('public.orders')).toContain('mode timestamp (by updated_at, as configured)');
  expect(planned('public.inventory')).toContain('mode full (configured)');
});

test('the module masks, filters, rewrites and leaves out', async () => {
  const transformations = join(database.folder, 'rules.mjs');
  writeFileSync(transformations, example('js rules\\.mjs'));
  const { report, failures } = await sync(database, { transformations });
  expect(failures).toEqual({});
  expect(report.tables.map(({ key }) => key)).not.toContain('public.suppliers');

  const { client } = database;
  const open = await client.query<{ n: string }>("SELECT count(*) AS n FROM public.orders WHERE status <> 'cancelled'");
  expect(await rows('SELECT count(*)::VARCHAR FROM tester.source_public_orders')).toEqual([[open.rows[0]?.n]]);
  expect(
    await rows(
      "SELECT count(*) FILTER (email NOT LIKE 'someone@%'), count(email) > 0 FROM tester.source_public_customers",
    ),
  ).toEqual([[0n, true]]);
  expect(
    await rows(
      "SELECT count(*) FILTER (name <> upper(name)), count(*) FILTER (sku LIKE '%7'), count(*) > 0 FROM tester.source_public_products",
    ),
  ).toEqual([[0n, 0n, true]]);
});

test('the thresholds take the place of those by table size', async () => {
  const { customBatchSize, customThreads, customQueueSize, batchBytes } = configured(example('json thresholds'));
  const { lines } = await sync(database, { customBatchSize, customThreads, customQueueSize, batchBytes });
  expect(lines).toContainEqual(expect.stringMatching(/public\.orders: .*batch 2,000, threads 2/));
  expect([customQueueSize, batchBytes]).toEqual([8000, 4_194_304]);
});

test('filters that leave no table end the sync, with the names that were probably meant', async () => {
  const none = async (...tableFilters: string[]): Promise<unknown> =>
    await sync(database, { tableFilters, warehousePath: join(database.folder, 'none.db') }).catch(
      (error: unknown) => error,
    );
  expect(await none('public.ordres', 'custmers')).toMatchObject({
    kind: 'configuration',
    message: 'No table is left by "table_filters" ("public.ordres", "custmers").',
    hint: 'Did you mean public.orders, customers?',
  });
  expect(await none('elsewhere.*')).toMatchObject({
    kind: 'configuration',
    hint: expect.stringMatching(/^The database has \w+\.\w+, .* and \d+ more\.$/) as string,
  });
});

test('a filter that names a view hears which option it wants', async () => {
  await database.client.query('CREATE VIEW order_view AS SELECT id FROM orders');
  const alone = await sync(database, {
    tableFilters: ['order_view'],
    warehousePath: join(database.folder, 'view.db'),
  }).catch((error: unknown) => error);
  expect(alone).toMatchObject({
    kind: 'configuration',
    hint: 'public.order_view is a view: add --include-views (or "include_views": "true").',
  });
  const settings = { tableFilters: ['orders', 'public.order_view', '!order_vie?'] };
  const { lines } = await sync(database, { ...settings, warehousePath: join(database.folder, 'views.db') });
  expect(lines).toContain(
    'WARNING The pattern "public.order_view" of "table_filters" matches no table; it names the view public.order_view: add --include-views (or "include_views": "true") to replicate it.',
  );
  expect(lines).toContain(
    'WARNING The pattern "!order_vie?" of "table_filters" matches no table; it names the view public.order_view, which is left out in any case.',
  );
  const { lines: with_, report } = await sync(database, {
    tableFilters: ['order_view'],
    includeViews: true,
    warehousePath: join(database.folder, 'views.db'),
  });
  expect([report.tables.map(({ key }) => key), with_.filter((line) => line.includes('matches no table'))]).toEqual([
    ['public.order_view'],
    [],
  ]);
});
