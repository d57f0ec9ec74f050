import { join } from 'node:path';
import { runRound, type RoundReport } from '../../../src/fivetran/reference-client/platform';
import { createDemoDatabase } from '../../helpers/demo-database';
import { rangesMissing, type TestDatabase } from '../../helpers/postgres';
import { configurationFor, startService, syncToWarehouse, type TestService } from '../../helpers/fivetran/service';
import { differences, value } from '../../helpers/fivetran/warehouses';

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createDemoDatabase();
  service = await startService();
});
afterAll(async () => {
  await service?.stop();
  await database?.drop();
});

const CHANGES = `
  UPDATE public.orders SET status = 'returned', updated_at = now() WHERE id % 10 = 0;
  DELETE FROM public.orders WHERE id % 17 = 0;
  DELETE FROM public.order_items WHERE order_id % 13 = 0;
  INSERT INTO public.returns VALUES (1, 5, 'too small', '2025-06-01 12:00:00+00'), (2, 6, NULL, NULL);
  DELETE FROM public.audit_log WHERE actor = 'clerk3';
  INSERT INTO public.audit_log VALUES ('2025-12-01', 'clerk1', 'login', NULL), ('2025-12-01', 'clerk1', 'login', NULL);
  UPDATE public.products SET unit_cost = 1234567890123.123456789012 WHERE sku = 'SKU-00000003';
  UPDATE public.customers SET notes = E'\\x1f a \\x1d b \\x1b c' WHERE id = 7;
  ALTER TABLE public.suppliers ADD COLUMN founded date DEFAULT '1999-12-31'`;

const MODES = [
  ['full', { sync_mode: 'full' }, { syncMode: 'full' as const }],
  // Not auto, which reads tables of this size whole.
  ['incremental', { sync_mode: 'xmin' }, { syncMode: 'xmin' as const, reconcileEvery: 0 }],
  ['reconciling', { sync_mode: 'xmin', reconcile_every: '1' }, { syncMode: 'xmin' as const, reconcileEvery: 1 }],
] as const;
describe.each(rangesMissing() === undefined ? MODES : MODES.slice(0, 1))(
  'what the service sends, %s',
  (mode, configuration, overrides) => {
    let copy: TestDatabase;
    let firstUpserts: number;
    let options: Parameters<typeof runRound>[0];

    beforeAll(async () => {
      copy = await createDemoDatabase();
      options = {
        address: service.address,
        configuration: configurationFor(copy, configuration),
        warehousePath: join(copy.folder, 'platform.db'),
        statePath: join(copy.folder, 'platform-state.json'),
      };
    });
    afterAll(() => copy?.drop());

    const round = async (): Promise<RoundReport> => {
      const report = await runRound(options);
      expect(report.breaches).toEqual([]);
      return report;
    };

    it('is what the command line writes, on the first sync', async () => {
      const report = await round();
      firstUpserts = report.counts.upserts;
      expect(firstUpserts).toBeGreaterThan(4_000);
      const warehouse = await syncToWarehouse(copy, overrides);
      expect(await differences(warehouse, options.warehousePath)).toEqual([]);
    });

    it('and on the second one, with rows changed, deleted and added, and a column more', async () => {
      await copy.client.query(CHANGES);
      const report = await round();
      expect(report.counts.schemaChanges).toBe(1);
      const warehouse = await syncToWarehouse(copy, overrides);
      expect(await differences(warehouse, options.warehousePath)).toEqual([]);
      const deleted = Number(
        await value(options.warehousePath, 'SELECT count(*) FROM tester.source_public_orders WHERE _fivetran_deleted'),
      );
      // Changes alone do not show what is gone, to the command line neither.
      if (mode === 'incremental') expect(deleted).toBe(0);
      else expect(deleted).toBeGreaterThan(50);
      if (mode === 'incremental') expect(report.counts.upserts).toBeLessThan(firstUpserts / 2);
    });

    it('and on a third one, with nothing new', async () => {
      const before = await value(options.warehousePath, 'SELECT count(*) FROM tester.source_public_orders');
      await round();
      await syncToWarehouse(copy, overrides);
      expect(await value(options.warehousePath, 'SELECT count(*) FROM tester.source_public_orders')).toBe(before);
      expect(await differences(join(copy.folder, 'warehouse.db'), options.warehousePath)).toEqual([]);
    });
  },
);

describe('tables under their schemas', () => {
  it('come with the same rows', async () => {
    const options = {
      address: service.address,
      configuration: configurationFor(database, { with_schema: 'true', table_filters: '*.orders' }),
      warehousePath: join(database.folder, 'with-schema.db'),
      statePath: join(database.folder, 'with-schema.json'),
    };
    const { breaches, tables } = await runRound(options);
    expect(breaches).toEqual([]);
    expect(tables.map(({ schema, name }) => `${schema}/${name}`).sort()).toEqual([
      'archive/orders',
      'pgsluice/postgres_column',
      'pgsluice/postgres_table',
      'public/orders',
    ]);
    const rows = await database.client.query<{ n: string }>('SELECT count(*) AS n FROM archive.orders');
    expect(await value(options.warehousePath, 'SELECT count(*) FROM tester."archive.orders"')).toBe(rows.rows[0]?.n);
  });
});
