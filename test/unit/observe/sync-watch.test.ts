import { createLogger } from '../../../src/common/create-logger';
import { emptyReport, plannedTable } from './sample-report';
import { createWatch, tableReport } from './watch-samples';

const orders = plannedTable('orders', 1000);
const items = plannedTable('items', 3000);

function reading(relation: string, backendPid: number, startedMs: number, endedMs: number) {
  return { backendPid, doing: `reading ${relation}`, reads: relation, startedMs, endedMs, failed: false };
}

describe('what the page knows of a sync', () => {
  it('is not ready before the tables are known', () => {
    const { watch } = createWatch();
    expect([watch.ready, watch.data().state]).toEqual([false, 'starting']);
    watch.observer.planned?.({ tables: [orders] });
    expect([watch.ready, watch.data().state, watch.data().tablesTotal]).toEqual([true, 'running', 1]);
  });

  it('knows what the replication slot keeps, where there is one', () => {
    const { watch } = createWatch();
    expect(watch.data().slotWalBytes).toBeNull();
    watch.observer.slotSeen?.({ slotName: 'pgsluice_shop', bytes: 2_000_000, limitBytes: null });
    expect(watch.data().slotWalBytes).toBe(2_000_000);
  });

  it('follows each table: who read it, over which connection, and what it waited for', () => {
    const { watch, pass } = createWatch();
    watch.observer.planned?.({ tables: [orders, items] });
    pass(1);
    watch.observer.tableStarted?.(orders, 1, 2);
    watch.observer.statement?.(reading('public.orders', 4711, 1500, 2000));
    watch.observer.statement?.({
      ...reading('public.orders', 4711, 2000, 2001),
      doing: 'taking a snapshot',
      reads: undefined,
    });
    watch.observer.rowsWritten?.(orders, 500, 9000);
    pass(3);
    watch.observer.tableFinished?.(orders, tableReport('public.orders'));
    expect(watch.data().tables[0]).toMatchObject({
      name: 'public.orders',
      rows: 500,
      writtenBytes: 9000,
      from: 1,
      to: 4,
      spans: [{ connection: 4711, from: 1.5, to: 2 }],
      waitedToBegin: 0.5,
      waitedForWarehouse: 2,
    });
    expect(watch.data().tables[1]).toMatchObject({ name: 'public.items', from: null, to: null, spans: [] });
  });

  it('counts the statements of a partition for its table', () => {
    const partition = {
      oid: 2,
      schema: 'public',
      name: 'orders_2024',
      blocks: 1,
      rows: 1,
      bytes: 1,
      rangeReadable: true,
    };
    const parent = { ...orders, table: { ...orders.table, relations: [partition] } };
    const { watch } = createWatch();
    watch.observer.planned?.({ tables: [parent] });
    watch.observer.tableStarted?.(parent, 1, 1);
    watch.observer.statement?.(reading('public.orders_2024', 1, 0, 10));
    expect(watch.data().tables[0]?.spans).toHaveLength(1);
  });

  it('estimates the time left from the rows that are done', () => {
    const { watch, pass } = createWatch();
    watch.observer.planned?.({ tables: [orders, items] });
    expect(watch.data().secondsLeft).toBeNull();
    watch.observer.tableStarted?.(orders, 1, 2);
    pass(10);
    watch.observer.tableFinished?.(orders, tableReport('public.orders'));
    expect(watch.data().secondsLeft).toBe(30);
  });

  it('ends with its verdict, and stands still then', () => {
    const { watch, pass } = createWatch();
    watch.observer.planned?.({ tables: [orders] });
    pass(5);
    const refused = tableReport('public.secrets', 'No right to read it.');
    watch.ended({ ...emptyReport, tables: [refused] });
    pass(100);
    expect(watch.data()).toMatchObject({
      state: 'some tables failed',
      seconds: 5,
      secondsLeft: null,
      failures: ['public.secrets: No right to read it. Look.'],
      tablesFailed: 1,
    });
    expect(watch.data().advice[0]).toMatch(/^Mend the failed tables first/);
  });

  it('keeps the warnings of the log, and no secret of them', async () => {
    const { watch } = createWatch({ secrets: ['hunter22'] });
    const lines: string[] = [];
    const inner = createLogger({ format: 'text', level: 'info', write: (line) => void lines.push(line) });
    const logger = watch.listening(inner);
    logger.info('begins');
    logger.warning('PWD=hunter22 was refused');
    await inner.close();
    watch.failed(new Error('hunter22 again'));
    expect(watch.data().warnings).toEqual(['PWD=*** was refused']);
    expect(watch.data().error).toBe('*** again');
    expect(lines).toHaveLength(2);
  });

  it('shows the 200 tables that took longest, and every failed one', () => {
    const { watch, pass } = createWatch();
    const many = Array.from({ length: 500 }, (_, index) => plannedTable(`t${index}`));
    watch.observer.planned?.({ tables: many });
    for (const [index, table] of many.entries()) {
      watch.observer.tableStarted?.(table, index + 1, 500);
      pass(index === 250 ? 60 : 0.01);
      watch.observer.tableFinished?.(table, tableReport(`public.t${index}`, index === 3 ? 'Broken.' : undefined));
    }
    const { tables, tablesLeftOut, tablesTotal } = watch.data();
    expect([tables.length, tablesLeftOut, tablesTotal]).toEqual([200, 300, 500]);
    expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['public.t3', 'public.t250']));
  });
});
