import { explainTerms } from '../../../src/cli/plain-words';
import { renderStatus } from '../../../src/cli/commands/status';
import type { TableStatus } from '../../../src/app/status';

const table: TableStatus = {
  table: 'public.orders',
  destinationTable: 'source_public_orders',
  mode: 'xmin',
  lastSyncedAt: '2026-11-30T10:00:00.000Z',
  found: null,
  provenAt: null,
  differs: false,
  rows: 1,
  replicationKey: null,
  watermark: null,
  sinceTransaction: '756',
  load: null,
  lastError: null,
};

function status(tables: readonly TableStatus[], width = 120): readonly string[] {
  const found = {
    ...{ warehouse: '/w.db', bytes: 1, lockedBy: null, published: null },
    ...{ tables, filteredOut: 0, slotWal: null, runs: [] },
  };
  return renderStatus(found, new Date('2026-11-30T10:00:04.000Z'), width);
}

it('explains each term that is shown, in one line, and no other', () => {
  expect(explainTerms({ modes: [] })).toEqual([]);
  const lines = explainTerms({ modes: ['xmin', 'full', 'xmin', null, 'timestamp'], parts: true, watermark: true });
  expect(lines.map((line) => /^[\w ]+:/.exec(line)?.[0])).toEqual([
    'Mode full:',
    'Mode xmin:',
    'Mode timestamp:',
    'Parts:',
    'Watermark:',
  ]);
});

it('status explains its modes and watermarks, and what is still to load', () => {
  const lines = status([table]).join('\n');
  expect(lines).toMatch(/Mode xmin: a sync reads the rows that were written since the last one/);
  expect(lines).toMatch(/Watermark: how far the last sync had come/);
  expect(lines).not.toMatch(/Mode full|Still to load:/);
  const loading = { ...table, load: { startedAt: '2026-11-30T10:00:00.000Z', rows: 1, pendingRanges: 1 } };
  expect(status([loading]).join('\n')).toMatch(/1 range after 1 row\b[^]*Still to load: an interrupted load goes on/);
  expect(status([])).toEqual([expect.stringContaining('/w.db'), '', 'No table has been synced yet.']);
});

it('status shows how old each proof is, where there is one', () => {
  expect(status([table]).join('\n')).not.toContain('Proven');
  const proven = { ...table, provenAt: '2026-11-29T08:00:04.000Z' };
  const lines = status([proven, { ...table, table: 'public.items' }, { ...table, table: 'public.bad', differs: true }]);
  expect(lines.join('\n')).toMatch(
    /Proven[^]*public\.orders .*26 h ago[^]*public\.items .*never[^]*public\.bad .*differs/,
  );
});
