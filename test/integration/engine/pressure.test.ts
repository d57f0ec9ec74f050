import type { Pressure } from '../../../src/model/resources';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { CALM, sync } from '../sync';

describe('pressure in a running sync', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
    await database.client.query(`
      CREATE TABLE t (id int PRIMARY KEY, v text);
      INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 400000) i; ANALYZE`);
  });
  afterAll(() => database.drop());

  /** Calm, then `pressure` for the time between two readings' numbers, then calm again; half a second a reading. */
  async function syncUnder(pressure: Partial<Pressure>, from: number, to: number) {
    let readings = 0;
    const samples: { batchRows: number; readers: number }[] = [];
    const outcome = await sync(
      database,
      // Also where an earlier test has loaded the table already.
      { fullResync: ['*'] },
      {
        pressure: { read: () => (readings >= from && readings < to ? { ...CALM, ...pressure } : CALM) },
        clock: () => readings * 500,
        observer: {
          sampled: (_, batchRows, readers) => {
            readings += 1;
            samples.push({ batchRows, readers });
          },
        },
      },
    );
    expect(outcome.failures).toEqual({});
    return { ...outcome, samples };
  }

  test('memory: the batch shrinks to its least, and climbs back step by step', async () => {
    const { samples, lines } = await syncUnder({ memoryPercent: 95 }, 10, 30);
    const batches = samples.map(({ batchRows }) => batchRows);
    expect(batches[0]).toBe(5_000);
    expect(batches.slice(10, 30)).toContain(100);
    expect(batches.at(-1)).toBe(5_000);
    // It falls in order, then rises in order: no step is skipped.
    const turn = batches.indexOf(100);
    expect(batches.slice(0, turn)).toEqual(batches.slice(0, turn).sort((a, b) => b - a));
    expect(batches.slice(turn)).toEqual(batches.slice(turn).sort((a, b) => a - b));
    expect(new Set(batches.slice(turn)).size).toBeGreaterThan(5);
    expect(lines).toContain('WARNING CRITICAL MEMORY PRESSURE: Reducing batch size from 5000 to 2500 records');
    expect(lines).toContainEqual(
      expect.stringMatching(/^INFO MEMORY pressure eased: Raising batch size from 100 to \d+/),
    );
    // The readers are no business of the memory's.
    expect(new Set(samples.map(({ readers }) => readers))).toEqual(new Set([4]));
    await withWarehouse(database, async (warehouse) => {
      expect(await compareTable(database.client, warehouse, { schema: 'public', name: 't' })).toEqual(same(400_000));
    });
  });

  test('CPU: the readers go down to one, and come back one by one', async () => {
    const { samples, lines } = await syncUnder({ cpuPercent: 99 }, 10, 20);
    const readers = samples.map((sample) => sample.readers);
    expect(readers[0]).toBe(4);
    expect(readers[12]).toBe(1);
    const back = readers.slice(12);
    expect([...new Set(back)]).toEqual([1, 2, 3, 4]);
    expect(new Set(samples.map(({ batchRows }) => batchRows))).toEqual(new Set([5_000]));
    expect(lines).toContain('WARNING CRITICAL CPU PRESSURE: Reducing threads from 4 to 1');
    await withWarehouse(database, async (warehouse) => {
      expect(await warehouse.rows('SELECT count(*), count(DISTINCT id) FROM tester.source_public_t')).toEqual([
        [400_000n, 400_000n],
      ]);
    });
  });

  test('connections really leave the table and come back', async () => {
    let pressed = false;
    let nowMs = 0;
    const seen: Record<'before' | 'under' | 'after', number> = { before: 0, under: 99, after: 0 };
    await sync(
      database,
      { customBatchSize: 1_000, customQueueSize: 1_000, fullResync: ['*'] },
      {
        pressure: { read: () => (pressed ? { ...CALM, cpuPercent: 99 } : CALM) },
        // Each batch takes a tenth of a second by this clock, however long it takes by the wall's.
        clock: () => nowMs,
        beforeWrite: async (batch) => {
          nowMs += 100;
          const { rows } = await database.client.query<{ n: number }>(
            `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'pgsluice' AND datname = current_database() AND xact_start IS NOT NULL`,
          );
          const busy = rows[0]?.n ?? 0;
          if (batch <= 100) seen.before = Math.max(seen.before, busy);
          else if (batch > 110 && batch <= 150) seen.under = Math.min(seen.under, busy);
          else if (batch > 200) seen.after = Math.max(seen.after, busy);
          pressed = batch >= 100 && batch < 150;
        },
      },
    );
    expect(seen.before).toBeGreaterThan(1);
    expect(seen.under).toBe(1);
    expect(seen.after).toBeGreaterThan(1);
  });
});
