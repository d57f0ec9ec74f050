import { Selection, type SelectionMessage } from '../../../src/fivetran/selection';
import { WireNames } from '../../../src/fivetran/wire-names';

const table = (schema: string, name: string): { schema: string; name: string } => ({ schema, name });
const withSchema = (message: SelectionMessage): Selection => new Selection(message, new WireNames(true));
const withoutSchema = (message: SelectionMessage): Selection => new Selection(message, new WireNames(false));

it.each([undefined, null, {}])('of %j selects everything', (message) => {
  const selection = new Selection(message, new WireNames(true));
  expect(selection.includesTable(table('any', 'thing'))).toBe(true);
  expect(selection.includesColumn(table('any', 'thing'), 'column')).toBe(true);
  expect([...selection.namedTables()]).toEqual([]);
});

describe('of tables under schemas', () => {
  const schemas = (newTables: boolean, newSchemas: boolean): Selection =>
    withSchema({
      with_schema: {
        schemas: [
          {
            included: true,
            schema_name: 'shop',
            tables: [
              { included: true, table_name: 'orders', columns: { id: true, note: false } },
              { included: false, table_name: 'secrets' },
            ],
            include_new_tables: newTables,
          },
          { included: false, schema_name: 'hr', tables: [{ included: true, table_name: 'people' }] },
        ],
        include_new_schemas: newSchemas,
      },
    });

  it.each([true, false])('takes new tables of a schema when it says so: %s', (newTables) => {
    const selection = schemas(newTables, false);
    expect(selection.includesTable(table('shop', 'orders'))).toBe(true);
    expect(selection.includesTable(table('shop', 'secrets'))).toBe(false);
    expect(selection.includesTable(table('shop', 'new'))).toBe(newTables);
  });

  it.each([true, false])('takes new schemas, with all of their tables, when it says so: %s', (newSchemas) => {
    const selection = schemas(false, newSchemas);
    expect(selection.includesTable(table('new', 'thing'))).toBe(newSchemas);
    // The tables that describe the source have a schema of their own.
    expect(selection.includesTable(table('', 'postgres_table'))).toBe(newSchemas);
  });

  it('takes nothing of a schema that is not included, whatever it says of its tables', () => {
    const selection = schemas(true, true);
    expect(selection.includesTable(table('hr', 'people'))).toBe(false);
    expect(selection.includesTable(table('hr', 'new'))).toBe(false);
  });

  it('names what is selected by name, and only that', () => {
    expect([...schemas(true, true).namedTables()]).toEqual([
      { name: { schemaName: 'shop', tableName: 'orders' }, columns: ['id'] },
    ]);
  });
});

describe('of tables in one list', () => {
  it.each([true, false])('takes new columns when it says so: %s', (newColumns) => {
    const selection = withoutSchema({
      without_schema: {
        tables: [
          {
            included: true,
            table_name: 'source_shop_orders',
            columns: { id: true, note: false },
            include_new_columns: newColumns,
          },
        ],
        include_new_tables: true,
      },
    });
    const orders = table('shop', 'orders');
    expect(['id', 'note', 'new'].map((column) => selection.includesColumn(orders, column))).toEqual([
      true,
      false,
      newColumns,
    ]);
    // Every column of a new table is new.
    expect(selection.includesColumn(table('shop', 'other'), 'anything')).toBe(true);
  });

  it.each([true, false])('takes new tables when it says so: %s', (newTables) => {
    const selection = withoutSchema({
      without_schema: {
        tables: [{ included: false, table_name: 'source_shop_secrets' }],
        include_new_tables: newTables,
      },
    });
    expect(selection.includesTable(table('shop', 'secrets'))).toBe(false);
    expect(selection.includesTable(table('shop', 'new'))).toBe(newTables);
    expect(selection.includesTable(table('', 'postgres_table'))).toBe(newTables);
  });
});

it('is refused in the other form', () => {
  expect(() => withSchema({ without_schema: { tables: [] } })).toThrow('made without_schema');
  expect(() => withoutSchema({ with_schema: { schemas: [] } })).toThrow('made with_schema');
});
