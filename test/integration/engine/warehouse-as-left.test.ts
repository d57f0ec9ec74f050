/** Warehouses and state files that are not as a sync left them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { same } from '../../helpers/compare';
import { changeState, changeWarehouse } from '../../helpers/warehouse-access';
import { bigTable, compared, database, lines, sql, sync, upserted } from './changing-database';

describe('a warehouse that is not as it was left', () => {
  test('another schema is filled from the start, and so is the first one when it is used again', async () => {
    await bigTable();
    await sync();
    await sql(`UPDATE t SET v = 'one' WHERE id = 1`);
    await sync({ destinationSchema: 'elsewhere' });
    await sql(`UPDATE t SET v = 'two' WHERE id = 2`);
    await sync({ destinationSchema: 'elsewhere' });
    await sync();
    expect(await compared('t')).toEqual(same(12_000));
  });

  test.each<[string, () => Promise<void>, RegExp]>([
    [
      'without the table',
      () => changeWarehouse(database, 'DROP TABLE tester.source_public_t'),
      /WARNING public\.t was synced, but schema tester .* has no table source_public_t/,
    ],
    [
      'with a state that is no JSON',
      () => changeState(database, 'public.t', '{'),
      /WARNING The warehouse's state of public\.t is damaged/,
    ],
  ])('%s: loaded from the start, with a warning', async (_, damage, said) => {
    await bigTable();
    await sync();
    await damage();
    await sync();
    expect(lines.join('\n')).toMatch(said);
    expect(await compared('t')).toEqual(same(12_000));
  });

  test('a state file that was edited by hand changes nothing', async () => {
    await bigTable();
    await sync();
    await sql(`UPDATE t SET v = 'changed' WHERE id <= 5`);
    const path = `${database.folder}/state.json`;
    const edited = readFileSync(path, 'utf8')
      .replace(/"xmin": "\d+"/, '"xmin": "99999999"')
      .replace(/"lastSyncedAt": "[^"]*"/, '"lastSyncedAt": null');
    writeFileSync(path, edited);
    expect(upserted(await sync())).toBe(5);
    expect(await compared('t')).toEqual(same(12_000));
    writeFileSync(path, '{ "half of');
    await sync();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toHaveProperty('version');
  });
});

test('the state of an earlier connector is noticed, and everything is loaded', async () => {
  await bigTable();
  writeFileSync(
    `${database.folder}/state.json`,
    JSON.stringify({ last_updated_at: '2024-01-01T00:00:00', t: '2024-01-01T00:00:00' }),
  );
  await sync();
  expect(lines.join('\n')).toContain('Found the state of an earlier connector');
  expect(await compared('t')).toEqual(same(12_000));
});
