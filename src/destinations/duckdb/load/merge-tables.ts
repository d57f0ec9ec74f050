/** Puts the rows of tables that were filled apart into one, whose columns take the types that hold all values. */
import type { Logger } from '../../../common/logger';
import { storedTypes } from '../copy-altered';
import type { DestinationTable } from '../../destination';
import type { Warehouse } from '../warehouse';
import { ColumnTypes } from './column-types';

interface Filled {
  /** Qualified and quoted. */
  readonly name: string;
  readonly types: ColumnTypes;
}

/** All have the columns of `table`; `others` are dropped. */
export async function mergeTables(
  warehouse: Warehouse,
  table: DestinationTable,
  into: string,
  others: readonly string[],
  logger: Logger,
): Promise<void> {
  const beforeChange = (): Promise<readonly string[]> => Promise.resolve([]);
  const open = async (name: string): Promise<Filled> => {
    const stored = storedTypes(table, await warehouse.describe(name));
    return { name, types: new ColumnTypes({ warehouse, table, logger, beforeChange }, stored) };
  };
  const target = await open(into);
  for (const name of others) {
    const other = await open(name);
    for (const index of table.columns.keys()) {
      const stored = [target, other].map(({ types }) => types.stored[index] ?? 'VARCHAR');
      const type = await target.types.common(index, stored, [into, name]);
      for (const each of [target, other])
        if (each.types.stored[index] !== type) await each.types.retype(index, type, [each.name]);
    }
    await warehouse.insertRows(into, `BY NAME SELECT * FROM ${name}`);
    await warehouse.run(`DROP TABLE ${name}`);
  }
}
