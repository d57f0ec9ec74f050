import { withWarehouse } from '../../helpers/compare';
import { createDatabase } from '../../helpers/postgres';
import { goldenTypes } from './golden';
import { sync } from '../sync';

/** What the Python connector wrote, type by type; every other type is as it is without the option. */
describe('type_mode python', () => {
  goldenTypes(
    [
      { type: 'boolean', stored: 'VARCHAR', values: [['t', 'true', '1'], ['f', 'false', '0'], null] },
      { type: 'numeric(10,2)', stored: 'VARCHAR', values: [['1.5', '1.50'], '-0.01', null] },
      { type: 'numeric', stored: 'VARCHAR', values: ['12345678901234567890.123456789', 'NaN', null] },
      {
        type: 'double precision',
        stored: 'FLOAT',
        values: [
          ['0.1', '0.1', '0.1'],
          ['1747000000.25', '1747000000.25', '1747000064.0'],
          ['16777217', '16777217', '16777216.0'],
          // Beyond a 32-bit float's range: an infinity or a zero, as a conversion in Python yields.
          ['1e300', '1e+300', 'inf'],
          ['-3.4028235677973366e38', '-3.4028235677973366e+38', '-inf'],
          ['3.4028235677973362e38', '3.4028235677973362e+38', '3.4028235e+38'],
          ['1e-300', '1e-300', '0.0'],
          ['-1e-300', '-1e-300', '-0.0'],
          ['7.1e-46', '7.1e-46', '1e-45'],
          ['NaN', 'NaN', 'nan'],
          ['-Infinity', '-Infinity', '-inf'],
          null,
        ],
      },
      { type: 'real', stored: 'FLOAT', values: ['0.1'] },
      {
        type: 'timestamptz',
        stored: 'TIMESTAMP',
        values: [
          ['2024-01-01 12:00:00.5+05:30', '2024-01-01 06:30:00.5+00', '2024-01-01 06:30:00.5'],
          ['infinity', 'infinity', 'infinity'],
          null,
        ],
      },
      { type: 'timestamp', stored: 'TIMESTAMP', values: ['2024-01-01 12:00:00'] },
      { type: 'integer', stored: 'INTEGER', values: ['7'] },
      { type: 'bool_domain', note: 'a domain', stored: 'VARCHAR', values: [['t', 'true', '1']] },
      { type: 'boolean[]', stored: 'JSON', values: [['{t}', '{t}', '[true]']] },
    ],
    { setup: 'CREATE DOMAIN bool_domain AS boolean', settings: { typeMode: 'python' } },
  );

  it('writes sync_timestamp as a 32-bit float, in steps of 128 seconds', async () => {
    const database = await createDatabase();
    try {
      await database.client.query('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
      await sync(database, { typeMode: 'python' });
      await withWarehouse(database, async (warehouse) => {
        for (const table of ['source_public_t', 'postgres_table', 'postgres_column']) {
          const [row] = await warehouse.rows(
            `SELECT typeof(sync_timestamp), CAST(sync_timestamp AS BIGINT) % 128 FROM tester.${table}`,
          );
          expect(row).toEqual(['FLOAT', 0n]);
        }
      });
    } finally {
      await database.drop();
    }
  });
});
