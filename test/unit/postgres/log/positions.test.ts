import { earlier, formatLsn, latest, parseLsn } from '../../../../src/postgres/log/lsn';
import { SnapshotXids, type Seen } from '../../../../src/postgres/log/snapshot-xids';

it('compares positions as 64 bits, whatever their texts are', () => {
  expect(latest('9/0', '10/0')).toBe('10/0');
  expect(latest('0/FFFFFFFF', '1/0')).toBe('1/0');
  expect(earlier('A/5', '9/FFFFFFFF')).toBe('9/FFFFFFFF');
  expect(earlier('ffffffff/ffffffff', '80000000/0')).toBe('80000000/0');
});

it.each(['0/0', '16/B374D848', 'FFFFFFFF/FFFFFFFF', '1/1'])('writes %s as it was', (text) => {
  expect(formatLsn(parseLsn(text))).toBe(text);
});

it.each(['', '0', '0/', '/0', 'g/0', '0/123456789', '0/1 '])('refuses "%s"', (text) => {
  expect(() => parseLsn(text)).toThrow(/is no position/);
});

describe('a snapshot', () => {
  it('sees what had ended', () => {
    const snapshot = new SnapshotXids('100:110:100,105');
    expect([99, 100, 101, 105, 109, 110, 111].map((xid) => snapshot.sees(xid))).toEqual([
      'yes',
      'no',
      'yes',
      'no',
      'yes',
      'no',
      'no',
    ]);
  });

  it('and so across the end of 32 bits', () => {
    const epoch = 3n << 32n;
    const snapshot = new SnapshotXids(`${epoch - 5n}:${epoch + 10n}:${epoch - 5n},${epoch + 3n}`);
    const sees = (xid: bigint): Seen => snapshot.sees(Number(xid & 0xffff_ffffn));
    expect([epoch - 6n, epoch - 5n, epoch - 4n, epoch + 2n, epoch + 3n, epoch + 9n, epoch + 10n].map(sees)).toEqual([
      'yes',
      'no',
      'yes',
      'yes',
      'no',
      'yes',
      'no',
    ]);
  });

  it('with nothing running', () => {
    expect(new SnapshotXids('110:110:').sees(109)).toBe('yes');
    expect(new SnapshotXids('110:110:').sees(110)).toBe('no');
  });

  it('of a standby, which does not name what was running', () => {
    const snapshot = new SnapshotXids('100:110:', false);
    expect([99, 100, 109, 110].map((xid) => snapshot.sees(xid))).toEqual(['yes', 'perhaps', 'perhaps', 'no']);
  });
});
