/**
 * Golden values: what is put into PostgreSQL, what PostgreSQL says it is, and what the warehouse must hold.
 * Every type gets a table of its own; all of them go through one sync.
 */
import type { Settings } from '../../../src/config/settings';
import { withWarehouse } from '../../helpers/compare';
import { createDatabase, serverMajor, type DatabaseOptions, type TestDatabase } from '../../helpers/postgres';
import { KIND } from '../../helpers/settings';
import { sync, type SyncOutcome } from '../sync';

/**
 * A literal; PostgreSQL's text of it, where it differs; DuckDB's text of what is stored, where that differs.
 * `null` alone is NULL on both sides.
 */
export type GoldenValue =
  string | null | readonly [string, string] | readonly [string, string, string] | readonly [string, string, null];

export interface GoldenType {
  /** As in CREATE TABLE. */
  readonly type: string;
  /** typeof() in DuckDB. */
  readonly stored: string;
  readonly values: readonly GoldenValue[];
  /** Major version of PostgreSQL that first knows it, or these values of it. */
  readonly since?: number;
  /** What the name of the test adds to the type. */
  readonly note?: string;
}

interface Read {
  readonly source: readonly (string | null)[];
  readonly warehouse: readonly (string | null)[];
  readonly stored: string;
}

export interface GoldenOptions {
  /** Runs before the tables are made. */
  readonly setup?: string;
  readonly settings?: Partial<Settings>;
  /** Asked for when the tests begin. */
  readonly database?: () => DatabaseOptions;
}

/** Declares one test per type. `outcome` is called with the sync's log afterwards. */
export function goldenTypes(
  all: readonly GoldenType[],
  options: GoldenOptions = {},
  outcome?: (outcome: SyncOutcome) => void,
): void {
  const types = all.filter((type) => (type.since ?? 0) <= serverMajor());
  let database: TestDatabase;
  let synced: SyncOutcome;
  const reads = new Map<string, Read>();

  beforeAll(async () => {
    database = await createDatabase(options.database?.());
    const { client } = database;
    if (options.setup !== undefined) await client.query(options.setup);
    for (const [index, { type, values }] of types.entries()) {
      await client.query(`CREATE TABLE golden_${index} (id int PRIMARY KEY, v ${type})`);
      for (const [id, value] of values.entries()) {
        await client.query(`INSERT INTO golden_${index} VALUES ($1, $2)`, [id, literalOf(value)]);
      }
    }
    synced = await sync(database, options.settings);
    for (const [index, { type, note }] of types.entries()) {
      reads.set(`${type}${note ?? ''}`, await readBoth(database, `golden_${index}`));
    }
  });
  afterAll(() => database.drop());

  it('all tables are read', () => {
    expect(synced.failures).toEqual({});
    outcome?.(synced);
  });

  it.each(types.map((type) => [`${type.type}${type.note === undefined ? '' : ` (${type.note})`}`, type] as const))(
    '%s',
    (_, { type, note, stored, values }) => {
      const read = reads.get(`${type}${note ?? ''}`);
      expect(read).toEqual({ source: values.map(sourceOf), warehouse: values.map(warehouseOf).map(keptOf), stored });
    },
  );
}

/** A lake holds -0 as 0 (docs/LAKE.md). */
function keptOf(value: string | null): string | null {
  return KIND === 'ducklake' && value === '-0.0' ? '0.0' : value;
}

function literalOf(value: GoldenValue): string | null {
  return value === null || typeof value === 'string' ? value : value[0];
}

function sourceOf(value: GoldenValue): string | null {
  return value === null || typeof value === 'string' ? value : value[1];
}

function warehouseOf(value: GoldenValue): string | null {
  if (value === null || typeof value === 'string') return value;
  return value.length === 3 ? value[2] : value[1];
}

async function readBoth(database: TestDatabase, table: string): Promise<Read> {
  await database.client.query(
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1",
  );
  const source = await database.client.query<{ v: string | null }>(`SELECT v::text AS v FROM ${table} ORDER BY id`);
  return await withWarehouse(database, async (warehouse) => {
    const name = `tester.source_public_${table}`;
    const rows = await warehouse.rows(`SELECT CAST(v AS VARCHAR) FROM ${name} ORDER BY id`);
    const [described] = await warehouse.rows(`SELECT column_type FROM (DESCRIBE ${name}) WHERE column_name = 'v'`);
    return {
      source: source.rows.map((row) => row.v),
      warehouse: rows.map((row) => row[0] as string | null),
      stored: String(described?.[0]),
    };
  });
}
