/** Gives a table another name, with the rows of a load that is under way. */
import { ConnectorError } from '../../common/errors';
import type { OpenTables } from './open-tables';
import { loadTableName } from './state-rows';
import { qualified, quoted } from './types';

/** Throws an error of the table's where its new name is taken, or where DuckDB would refuse. */
export async function renameTable(tables: OpenTables, key: string, from: string, to: string): Promise<void> {
  const { schema } = tables;
  if (tables.hasName(to)) {
    throw refused(`${key} would be called ${to} in the warehouse, where something else has that name`, {
      code: 'name_taken',
      hint: `Drop or rename ${schema}.${to} in the warehouse, or set "destination_table" so that the name is another one.`,
    });
  }
  const warehouse = await tables.writing();
  // DuckDB renames no table that an index depends on.
  if (warehouse.usersObjects?.has(qualified({ schema, name: from })) === true) {
    throw refused(`${schema}.${from} has an index or a primary key that somebody made, so it cannot become ${to}`, {
      code: 'rename_refused',
      hint: 'Drop these in the warehouse and make them again after the next sync, or set "destination_table" back.',
    });
  }
  for (const [before, after] of [
    [from, to],
    [loadTableName(from), loadTableName(to)],
  ] as const) {
    if (!tables.hasName(before)) continue;
    await warehouse.run(`ALTER TABLE ${qualified({ schema, name: before })} RENAME TO ${quoted(after)}`);
    tables.addName(after);
  }
}

function refused(what: string, { code, hint }: { readonly code: string; readonly hint: string }): ConnectorError {
  return new ConnectorError(`${what}.`, { code, kind: 'source', hint });
}
