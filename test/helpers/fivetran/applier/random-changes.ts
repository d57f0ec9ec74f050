/** Random tables, and what can happen to them between and during Updates. */
import type { Client } from 'pg';
import type { TestDatabase } from '../../postgres';
import type { Random } from '../../random';

export interface RoundTable {
  readonly name: string;
  /** Their types, by name; the first ones are the key. */
  readonly keyColumns: readonly string[];
  keyed: boolean;
}

const KEYS: readonly (readonly [columns: string, key: string, values: string])[] = [
  ['id int', 'id', 'i'],
  ['id int', 'id', 'i'],
  ['id bigint, part text', 'id, part', 'i, chr(97 + i % 26)'],
  ['id int, at timestamp', 'id, at', "i, '2025-01-01'::timestamp + i * interval '1 second'"],
  ['id uuid', 'id', 'md5(i::text)::uuid'],
  ['id numeric', 'id', 'i / 4.0'],
  ['id int', '', 'i'],
];

/** A table of random columns and rows; returns what is known of it. */
export async function createTable(client: Client, schema: string, name: string, random: Random): Promise<RoundTable> {
  const [columns, key] = random.pick(KEYS);
  const constraint = key === '' ? '' : `, PRIMARY KEY (${key})`;
  const table = `${schema}.${name}`;
  await client.query(
    `CREATE TABLE ${table} (${columns}, v text, n numeric, d date, f double precision, j jsonb, b bytea${constraint})`,
  );
  // No change touches it.
  await client.query(
    `ALTER TABLE ${table} ADD COLUMN updated_at timestamp NOT NULL DEFAULT now(); CREATE INDEX ON ${table} (updated_at)`,
  );
  // Else it could not be changed where it is published.
  if (key === '') await client.query(`ALTER TABLE ${table} REPLICA IDENTITY FULL`);
  const created = {
    name,
    keyColumns: columns.split(', ').map((column) => column.split(' ')[0] ?? ''),
    keyed: key !== '',
  };
  await insert(client, table, columns, random, random.pick([0, 30, 300, 900, 2_500]));
  if (created.keyed)
    await client.query(
      `CREATE TRIGGER gone AFTER DELETE OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION watched.remember('${key}')`,
    );
  await client.query(`ANALYZE ${table}`);
  return created;
}

async function insert(client: Client, table: string, columns: string, random: Random, rows: number): Promise<void> {
  const [, , values] = KEYS.find(([each]) => each === columns) ?? ['', '', 'i'];
  const names = columns.split(', ').map((column) => column.split(' ')[0]);
  const from = random.integer(1, 1_000_000);
  await client.query(
    `INSERT INTO ${table} (${names.join(', ')}, v) SELECT ${values}, md5(i::text) FROM generate_series(${from}, ${from + rows - 1}) AS i ON CONFLICT DO NOTHING`,
  );
}

/** Deleted rows and former keys, so that a test knows which rows may stay where deletes are not looked for. */
export const WATCH_SQL = `
  CREATE SCHEMA watched;
  CREATE TABLE watched.gone (relation text, key text);
  CREATE FUNCTION watched.remember() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE former text; present text;
  BEGIN
    EXECUTE format('SELECT concat_ws(chr(1), %s) FROM (SELECT ($1).*) AS o', replace(TG_ARGV[0], ', ', '::text, ') || '::text') INTO former USING OLD;
    IF TG_OP = 'UPDATE' THEN
      EXECUTE format('SELECT concat_ws(chr(1), %s) FROM (SELECT ($1).*) AS o', replace(TG_ARGV[0], ', ', '::text, ') || '::text') INTO present USING NEW;
    END IF;
    IF present IS DISTINCT FROM former THEN
      INSERT INTO watched.gone VALUES (TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, former);
    END IF;
    RETURN NULL;
  END $$`;

type Change = (client: Client, table: string, known: RoundTable, random: Random) => Promise<unknown>;

const some = (random: Random): string => `(hashtext(t::text) & 15) = ${random.integer(0, 15)}`;

const CHANGES: readonly Change[] = [
  async (client, table, known, random) => {
    const columns = KEYS.find(
      ([each, key]) =>
        (key !== '') === known.keyed &&
        each
          .split(', ')
          .map((column) => column.split(' ')[0])
          .join() === known.keyColumns.join(),
    );
    if (columns !== undefined) await insert(client, table, columns[0], random, random.pick([1, 50, 400, 1_500]));
    await client.query(`ANALYZE ${table}`);
  },
  (client, table, _known, random) => client.query(`UPDATE ${table} AS t SET v = v || 'u' WHERE ${some(random)}`),
  (client, table, _known, random) => client.query(`UPDATE ${table} AS t SET v = v || 'u' WHERE ${some(random)}`),
  (client, table, _known, random) => client.query(`DELETE FROM ${table} AS t WHERE ${some(random)}`),
  (client, table, _known, random) => client.query(`DELETE FROM ${table} AS t WHERE ${some(random)}; ANALYZE ${table}`),
  (client, table) => client.query(`DELETE FROM ${table} AS t WHERE (hashtext(t::text) & 3) > 0; ANALYZE ${table}`),
  (client, table, _known, random) => client.query(`UPDATE ${table} AS t SET id = -id WHERE ${some(random)}`),
  (client, table, _known, random) =>
    client.query(`UPDATE ${table} AS t SET n = 'NaN' WHERE (hashtext(t::text) & 255) = ${random.integer(0, 255)}`),
  (client, table) => client.query(`UPDATE ${table} SET n = 1 WHERE n = 'NaN'`),
  (client, table, _known, random) =>
    client.query(`UPDATE ${table} AS t SET d = 'infinity' WHERE (hashtext(t::text) & 255) = ${random.integer(0, 255)}`),
  (client, table, _known, random) =>
    client.query(
      `UPDATE ${table} AS t SET at = '-infinity' WHERE (hashtext(t::text) & 255) = ${random.integer(0, 255)}`,
    ),
  (client, table, _known, random) =>
    client.query(
      `UPDATE ${table} AS t SET id = 'NaN' WHERE id = (SELECT id FROM ${table} LIMIT ${random.integer(0, 1)})`,
    ),
  (client, table) => client.query(`TRUNCATE ${table}`),
  (client, table) => client.query(`VACUUM FULL ${table}`),
  (client, table) => client.query(`VACUUM FREEZE ${table}`),
  (client, table, _known, random) =>
    client.query(`BEGIN; UPDATE ${table} SET v = 'undone'; DELETE FROM ${table} AS t WHERE ${some(random)}; ROLLBACK`),
  (client, table, _known, random) =>
    client.query(
      `BEGIN; SAVEPOINT a; DELETE FROM ${table}; ROLLBACK TO a; UPDATE ${table} AS t SET v = 'kept' WHERE ${some(random)}; SAVEPOINT b; DELETE FROM ${table} AS t WHERE ${some(random)}; RELEASE b; COMMIT`,
    ),
  (client, table) => client.query(`ALTER TABLE ${table} ALTER COLUMN id TYPE bigint`),
  (client, table) => client.query(`ALTER TABLE ${table} ALTER COLUMN id TYPE int`),
  (client, table, _known, random) =>
    client.query(`ALTER TABLE ${table} ADD COLUMN extra_${random.integer(1, 3)} int DEFAULT 7`),
  (client, table, _known, random) =>
    client.query(`ALTER TABLE ${table} DROP COLUMN IF EXISTS extra_${random.integer(1, 3)}`),
];

/** What PostgreSQL refuses (a key twice, a column that is not there, a lock of a reader or writer) leaves the table as it is. */
export async function changeSomething(
  client: Client,
  schema: string,
  tables: readonly RoundTable[],
  random: Random,
): Promise<void> {
  const known = random.pick(tables);
  await random
    .pick(CHANGES)(client, `${schema}.${known.name}`, known, random)
    .catch(async (error: { code?: string }) => {
      await client.query('ROLLBACK');
      if (!/^(?:22|23|40P01|42|0A|55P03)/.test(error.code ?? '')) throw error;
    });
}

/** A transaction that goes on over an Update; what waits for it meanwhile on the first session gives up, and is no change. */
export async function beginLate(
  database: TestDatabase,
  schema: string,
  tables: readonly RoundTable[],
  random: Random,
): Promise<{ end(): Promise<void> }> {
  const table = `${schema}.${random.pick(tables).name}`;
  const client = await database.connect();
  await client.query('BEGIN');
  await client.query(
    random.pick([
      `DELETE FROM ${table} AS t WHERE ${some(random)}`,
      `UPDATE ${table} AS t SET v = v || 'late' WHERE ${some(random)}`,
    ]),
  );
  await database.client.query(`SET lock_timeout = '200ms'`);
  const last = random.pick(['COMMIT', 'COMMIT', 'ROLLBACK']);
  return {
    end: async () => {
      await client.query(last);
      await client.end();
      await database.client.query('SET lock_timeout = 0');
    },
  };
}
