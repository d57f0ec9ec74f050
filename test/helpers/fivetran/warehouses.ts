import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';

/** Columns that say when a sync ran, or stand for a row's content; two warehouses of one source differ in them. */
const OF_THE_SYNC = new Set(['sync_timestamp', '_fivetran_synced', '_fivetran_id']);

/** Differences between two warehouses, table by table, value by value; empty where there are none. */
export async function differences(left: string, right: string, schema = 'tester'): Promise<string[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(`ATTACH '${left}' AS l (READ_ONLY)`);
    await connection.run(`ATTACH '${right}' AS r (READ_ONLY)`);
    const found: string[] = [];
    const leftTables = await tables(connection, 'l', schema);
    const rightTables = await tables(connection, 'r', schema);
    if (leftTables.join() !== rightTables.join()) found.push(`tables: ${leftTables.join()} | ${rightTables.join()}`);
    for (const table of leftTables.filter((name) => rightTables.includes(name)))
      found.push(...(await compare(connection, schema, table)));
    return found;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function tables(connection: DuckDBConnection, database: string, schema: string): Promise<string[]> {
  return await texts(
    connection,
    `SELECT table_name FROM duckdb_tables() WHERE database_name = '${database}' AND schema_name = '${schema}' ORDER BY 1`,
  );
}

async function compare(connection: DuckDBConnection, schema: string, table: string): Promise<string[]> {
  const columnsOf = async (database: string): Promise<Map<string, string>> => {
    const reader = await connection.runAndReadAll(
      `SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = '${database}' AND schema_name = '${schema}' AND table_name = '${table}' ORDER BY 1`,
    );
    return new Map(reader.getRows().map((row) => [String(row[0]), String(row[1])]));
  };
  // The place of a column that was added later may differ between warehouses.
  const [left, right] = [await columnsOf('l'), await columnsOf('r')];
  if (String([...left]) !== String([...right]))
    return [`${table} columns: ${String([...left])} | ${String([...right])}`];
  // The description of the source has a row for each sync, at its time.
  const apart = (name: string): boolean =>
    OF_THE_SYNC.has(name) || (table.startsWith('postgres_') && name === 'timestamp');
  const compared = [...left.keys()].filter((name) => !apart(name)).map((name) => `"${name.replaceAll('"', '""')}"`);
  const side = (database: string): string =>
    `SELECT ${compared.join(', ')} FROM ${database}."${schema}"."${table.replaceAll('"', '""')}"`;
  const found: string[] = [];
  for (const [name, sql] of [
    ['only left', `${side('l')} EXCEPT ALL ${side('r')}`],
    ['only right', `${side('r')} EXCEPT ALL ${side('l')}`],
  ] as const) {
    const rows = (await connection.runAndReadAll(`SELECT CAST(x AS VARCHAR) FROM (${sql} LIMIT 3) AS x`)).getRows();
    if (rows.length > 0) found.push(`${table} ${name}: ${rows.map((row) => String(row[0])).join('; ')}`);
  }
  return found;
}

async function texts(connection: DuckDBConnection, sql: string): Promise<string[]> {
  return (await connection.runAndReadAll(sql)).getRows().map((row) => String(row[0]));
}

/** One value of a warehouse, as text. */
export async function value(path: string, sql: string): Promise<string> {
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  try {
    return (await texts(connection, sql)).join();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
