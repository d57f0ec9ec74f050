import { dueProofs, isDue } from '../../../src/app/proofs/due-proofs';
import { describeDifference } from '../../../src/app/proofs/describe-difference';
import type { TableState } from '../../../src/model/sync-state';
import { tableState } from '../../helpers/table-state';

const DAY = 86_400;
const NOW = Date.parse('2026-03-10T00:00:00Z');
const at = (days: number): string => new Date(NOW - days * DAY * 1000).toISOString();

test.each([
  ['never compared', undefined, true],
  ['never proven', { provenAt: null, triedAt: at(0) }, true],
  ['proven six days ago', { provenAt: at(6), triedAt: at(6) }, false],
  ['proven seven days ago', { provenAt: at(7), triedAt: at(7) }, true],
  ['proven by a clock that was wrong', { provenAt: at(-1), triedAt: at(-1) }, true],
])('%s: %#', (_name, proof, due) => {
  expect(isDue(proof, 7 * DAY, NOW)).toBe(due);
});

it('takes the oldest first, those never compared before all, and leaves out what cannot be compared', () => {
  const run = (name: string, state: Partial<TableState>): { name: string; committed: TableState } => ({
    name,
    committed: tableState({ lastSyncedAt: at(0), ...state }),
  });
  const runs = [
    run('younger', { proof: { provenAt: at(8), triedAt: at(8) } }),
    run('fresh', { proof: { provenAt: at(1), triedAt: at(1) } }),
    run('tried in vain', { proof: { provenAt: at(30), triedAt: at(2) } }),
    run('new', {}),
    run('older', { proof: { provenAt: at(9), triedAt: at(9) } }),
    run('not loaded', { lastSyncedAt: null }),
  ];
  expect(dueProofs(runs, 7 * DAY, NOW).map(({ name }) => name)).toEqual(['new', 'older', 'younger', 'tried in vain']);
});

it('says what differs in counts and names of columns', () => {
  const difference = {
    groupsDifferent: 1,
    groups: 1,
    complete: true,
    onlyInSource: 2,
    onlyInWarehouse: 0,
    changed: 1,
    sinceSync: 1,
    columns: { v: 1, f: 1 },
    rows: [],
  };
  const table = { outcome: 'different', sourceRows: 9, warehouseRows: 8, sample: 1 } as const;
  expect(describeDifference({ ...table, difference })).toBe(
    '1 row with other values in f, v, 2 rows only in the source, 1 of them newer than its last pass',
  );
  expect(describeDifference({ ...table, difference: { ...difference, complete: false, sinceSync: 0 } })).toMatch(
    /^at least 1 row .* source$/,
  );
  expect(describeDifference({ ...table, problem: 'The warehouse lacks it.' })).toBe('The warehouse lacks it');
});
