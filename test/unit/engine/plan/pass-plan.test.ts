import { decidePass, xidsComparable, type PassInput } from '../../../../src/engine/plan/pass-plan';
import { tableState } from '../../../helpers/table-state';

const state = tableState({ mode: 'xmin', signature: 'a', source: 's', xmin: '1000' });

const BY_TIME: Partial<PassInput> = {
  decision: { mode: 'timestamp', reason: '', replicationKey: 'u' },
  state: { ...state, replicationKey: 'u', watermark: '2024-01-01' },
};

function pass(change: Partial<PassInput> = {}): string {
  const decided = decidePass({
    decision: { mode: 'xmin', reason: '', replicationKey: null },
    state,
    signature: 'a',
    source: 's',
    fullResync: false,
    hasKey: true,
    readByRanges: true,
    logReachesBack: false,
    comparesKeys: true,
    trustsColumn: true,
    filtersRows: false,
    mayDifferUnchanged: false,
    keysOnly: false,
    reconcile: false,
    reconcileEvery: undefined,
    ...change,
  }).pass;
  return 'proof' in decided && decided.proof !== 'none' ? `${decided.kind} and ${decided.proof}` : decided.kind;
}

test.each<[Partial<PassInput>, string]>([
  [{}, 'by-xmin and count'],
  [{ comparesKeys: false }, 'by-xmin'],
  [{ reconcileEvery: 0 }, 'by-xmin'],
  [{ reconcile: true }, 'by-xmin and keys'],
  [{ reconcile: true, comparesKeys: false }, 'full-load'],
  [{ state: null }, 'full-load'],
  [{ state: { ...state, lastSyncedAt: null } }, 'full-load'],
  [{ signature: 'other' }, 'full-load'],
  [{ source: 'other' }, 'full-load'],
  [{ fullResync: true }, 'full-load'],
  [{ state: { ...state, proof: { provenAt: null, triedAt: '2024-01-01' } } }, 'by-xmin and count'],
  [{ state: { ...state, proof: { provenAt: null, triedAt: '2024-01-01', differs: true } } }, 'full-load'],
  [{ state: { ...state, xmin: null } }, 'full-load'],
  [{ reconcileEvery: 1 }, 'by-xmin and count'],
  [{ reconcileEvery: 3 }, 'by-xmin'],
  [{ reconcileEvery: 3, state: { ...state, passesSinceReconcile: 2 } }, 'by-xmin and count'],
  [{ reconcileEvery: 0, filtersRows: true }, 'by-xmin and count'],
  [{ filtersRows: true, comparesKeys: false }, 'full-load'],
  [{ keysOnly: true }, 'keys-only'],
  [{ keysOnly: true, hasKey: false }, 'by-xmin and count'],
  [{ decision: { mode: 'full', reason: '', replicationKey: null } }, 'full-load'],
  [{ decision: { mode: 'timestamp', reason: '', replicationKey: 'u' } }, 'full-load'],
  [BY_TIME, 'by-xmin and count'],
  [{ ...BY_TIME, reconcileEvery: 24 }, 'by-timestamp'],
  [{ ...BY_TIME, comparesKeys: false }, 'by-timestamp'],
  [{ ...BY_TIME, comparesKeys: false, trustsColumn: false }, 'by-xmin'],
])('the pass for %j is %s', (change, expected) => {
  expect(pass(change)).toBe(expected);
});

test('transaction ids are compared only while 32 bits can tell them apart', () => {
  expect(xidsComparable('1000', '1000')).toBe(true);
  expect(xidsComparable('1000', '2000001000')).toBe(true);
  expect(xidsComparable('1000', '2147484000')).toBe(false);
  expect(xidsComparable('2000', '1000')).toBe(false);
});
