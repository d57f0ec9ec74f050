/** A lake of which nothing is said but that it is one: its catalog and its files are beside the configuration. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runCli, writeConfiguration } from '../../helpers/cli';
import { compareTable, same } from '../../helpers/compare';
import { withDatabase } from '../../helpers/postgres';
import { EXTENSIONS } from '../../helpers/settings';
import { openLakeAt } from '../../helpers/warehouse-access';

it('is in files/lake, where every command finds it from any folder', () =>
  withDatabase(async (database) => {
    await database.client.query(`CREATE TABLE t (id int PRIMARY KEY, v text);
      INSERT INTO t SELECT i, 'one' FROM generate_series(1, 3000) i; ANALYZE`);
    const configuration = writeConfiguration(database, { destination: 'ducklake', lake_extensions: EXTENSIONS });
    const lake = join(database.folder, 'files', 'lake');
    for (const command of [['sync'], ['sync'], ['verify'], ['status'], ['tables'], ['maintain']])
      expect(await runCli([...command, '--configuration', configuration], { cwd: '/' })).toMatchObject({ code: 0 });
    expect([existsSync(join(lake, 'catalog.ducklake')), existsSync(join(lake, 'data'))]).toEqual([true, true]);
    const reader = await openLakeAt(join(lake, 'catalog.ducklake'));
    try {
      expect(await compareTable(database.client, reader, { schema: 'public', name: 't' })).toEqual(same(3000));
    } finally {
      reader.close();
    }
  }));
