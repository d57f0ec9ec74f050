import { muchWal } from '../../../../src/app/log/retained-wal';

const slot = { slotName: 'pgsluice_shop', limitBytes: null };

it.each([null, 0, 2 ** 30])('says nothing of %s bytes', (bytes) => expect(muchWal({ ...slot, bytes })).toBeUndefined());

it('says above 1 GB what would stop it', () => {
  expect(muchWal({ ...slot, bytes: 1.24e9 })).toBe(
    'The replication slot "pgsluice_shop" keeps 1.2 GB of log on the disk of the source, until a sync reads it or `pgsluice log drop` ends it: max_slot_wal_keep_size is -1, so nothing stops it before the disk is full; with a limit there, the server would give the slot up instead, and the tables would catch up by transaction ids.',
  );
  expect(muchWal({ ...slot, bytes: 1.24e9, limitBytes: 20 * 2 ** 30 })).toMatch(
    /: above 20\.0 GB \(max_slot_wal_keep_size\) the server gives the slot up, and the tables catch up by transaction ids\.$/,
  );
});
