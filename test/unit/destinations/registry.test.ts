import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OPTIONS } from '../../../src/config/options';
import { keepsRows, placeOf } from '../../../src/destinations/place';
import { accessTo, createDestination, readContents } from '../../../src/destinations/registry';
import { DESTINATION_NAMES } from '../../../src/model/destination-name';

const silent = { debug: () => {}, info: () => {}, warning: () => {}, severe: () => {} };
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgsluice-registry-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settingsOf = (destination: (typeof DESTINATION_NAMES)[number]) =>
  ({
    destination,
    warehousePath: join(folder, 'w.db'),
    lakeCatalog: 'postgresql://me:secret@host/lake',
    lakeDataPath: undefined,
    lakeExtensions: undefined,
    statePath: join(folder, 'state.json'),
    destinationSchema: 'tester',
    typeMode: 'exact',
  }) as const;

it('makes every destination that the option offers', () => {
  expect(OPTIONS.find(({ key }) => key === 'destination')).toMatchObject({ choices: DESTINATION_NAMES });
  for (const name of DESTINATION_NAMES)
    expect(typeof createDestination(settingsOf(name), 1e9, silent).open).toBe('function');
});

it('null goes nowhere and keeps nothing, but hides no warehouse that an earlier sync has filled', async () => {
  const destination = createDestination(settingsOf('duckdb'), 1e9, silent);
  await destination.open();
  await destination.commit();
  await destination.close();
  expect(DESTINATION_NAMES.map((name) => [name, keepsRows(settingsOf(name)), placeOf(settingsOf(name))])).toEqual([
    ['duckdb', true, join(folder, 'w.db')],
    ['ducklake', true, 'postgresql://me:***@host/lake'],
    ['null', false, undefined],
  ]);
  expect(await readContents(settingsOf('duckdb'), 1)).toMatchObject({ runs: [] });
  expect(await readContents(settingsOf('null'), 1)).toBeUndefined();
  expect(await accessTo(settingsOf('null')).readContents(1)).toMatchObject({ runs: [] });
});
