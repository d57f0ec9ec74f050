/** What the counts of a real server prove about a batch. Only the speed would show a mistake otherwise. */
import { RowVectors } from '../../../src/destinations/duckdb/load/row-vectors';
import type { KnownText } from '../../../src/model/packed-batch';
import { createDatabase, rangesMissing } from '../../helpers/postgres';
import { describeWhere } from '../../helpers/server-process';
import { sync } from '../sync';

describeWhere(rangesMissing(), 'what is known of texts', () => {
  test('ASCII batches, and jsonb', async () => {
    const database = await createDatabase();
    const spy = jest.spyOn(RowVectors.prototype, 'decode');
    try {
      await database.client.query(`
        CREATE TABLE ascii (id int PRIMARY KEY, t text, b jsonb, j json);
        INSERT INTO ascii VALUES (1, E'a\\nb', '{"a": 1}', '[]'), (2, NULL, NULL, NULL);
        CREATE TABLE other (id int PRIMARY KEY, t text, b jsonb, j json);
        INSERT INTO other VALUES (1, 'é', '{}', '[]'); ANALYZE`);
      expect((await sync(database)).failures).toEqual({});
      const known = (ascii: boolean): KnownText[] => [false, false, true, false].map((json) => ({ ascii, json }));
      const batches = spy.mock.calls.map(([batch]) => batch.columns.map((column) => column.known));
      expect(batches).toContainEqual(known(true));
      expect(batches).toContainEqual(known(false));
    } finally {
      spy.mockRestore();
      await database.drop();
    }
  });
});
