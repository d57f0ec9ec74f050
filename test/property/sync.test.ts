/**
 * Whatever the tables are: a sync makes the warehouse equal to the source, and after any changes the next
 * one does so again, without an option. Another comparison than the product's own says the same. More runs: PGSLUICE_PROPERTY_RUNS; the same again: PGSLUICE_PROPERTY_SEED
 * and, for one failed run alone, PGSLUICE_PROPERTY_PATH.
 */
import * as fc from 'fast-check';
import type { Client } from 'pg';
import { runVerify } from '../../src/app/verify-run';
import type { Settings } from '../../src/config/settings';
import { compareTable, openWarehouse } from '../helpers/compare';
import { createDatabase, type TestDatabase } from '../helpers/postgres';
import { settingsFor } from '../helpers/settings';
import { sync } from '../integration/sync';
import {
  randomTable,
  TYPES_SQL,
  widerType,
  type RandomChange,
  type RandomColumn,
  type RandomTable,
} from './random-tables';
import { join } from 'node:path';

const RUNS = Number(process.env['PGSLUICE_PROPERTY_RUNS'] ?? 13);
const SEED = Number(process.env['PGSLUICE_PROPERTY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** The path of a failed run, as it was printed. */
const PATH = process.env['PGSLUICE_PROPERTY_PATH'];
const TABLES = 25;
const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };

/** Settings that change how rows are cut into batches, and how changes are found, but never what arrives. */
const ways: fc.Arbitrary<Partial<Settings>> = fc.record({
  customBatchSize: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
  customThreads: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  customQueueSize: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
  batchBytes: fc.constantFrom(1_024, 20_000, 8_388_608),
  syncMode: fc.constantFrom('auto' as const, 'full' as const, 'xmin' as const, 'timestamp' as const),
  naming: fc.constantFrom('source' as const, 'source' as const, 'fivetran' as const),
});

/** Whether the first sync and the second have the addon: one warehouse, written by its vectors or by DuckDB's casts. */
const addons = fc.tuple(fc.boolean(), fc.boolean());

async function withAddon(present: boolean, action: () => Promise<void>): Promise<void> {
  if (!present) process.env['PGSLUICE_NO_ADDON'] = '1';
  try {
    await action();
  } finally {
    delete process.env['PGSLUICE_NO_ADDON'];
  }
}

/** Names that are one name to DuckDB, or under Fivetran's rule, are refused with a sentence; here they would only be in the way. */
const tables = fc
  .array(randomTable, { minLength: TABLES, maxLength: TABLES, size: 'max' })
  .map((list) => list.map((table, index) => ({ ...table, name: `${shortened(table.name)} ${index}` })));

function shortened(name: string): string {
  let short = name;
  while (Buffer.byteLength(short) > 58) short = [...short].slice(0, -1).join('');
  return short;
}

describe('any tables, any rows, any changes', () => {
  let database: TestDatabase;
  let compared = 0;
  let run = 0;
  beforeAll(async () => {
    database = await createDatabase();
    await database.client.query(TYPES_SQL);
  });
  afterAll(() => database.drop());

  it(
    `arrive exactly, and again after the changes (seed ${SEED})`,
    async () => {
      await fc.assert(
        fc.asyncProperty(tables, ways, addons, async (list, way, [first, second]) => {
          run += 1;
          const schema = `Run "${run}"`;
          const { client } = database;
          await client.query(`CREATE SCHEMA ${client.escapeIdentifier(schema)}`);
          for (const table of list) await create(client, schema, table, way.syncMode === 'timestamp');
          const settings = {
            ...way,
            warehousePath: join(database.folder, `run-${run}.db`),
            statePath: join(database.folder, `run-${run}.json`),
          };
          await withAddon(first, () => syncAndVerify(database, settings, list));
          for (const table of list) await change(client, schema, table);
          await withAddon(second, () => syncAndVerify(database, settings, list));
          if (way.naming === 'source') await compare(client, schema, settings.warehousePath, list);
          compared += list.length;
          await client.query(`DROP SCHEMA ${client.escapeIdentifier(schema)} CASCADE`);
        }),
        // A run is its own small example: the message names the table. Shrinking would take minutes.
        { seed: SEED, numRuns: RUNS, endOnFailure: true, ...(PATH === undefined ? {} : { path: PATH }) },
      );
      expect(compared).toBeGreaterThanOrEqual((PATH === undefined ? RUNS : 1) * TABLES);
    },
    // A busy machine is slow, not wrong.
    60_000 + RUNS * 60_000,
  );
});

/** `stamped`: with an update column, which no change touches. */
async function create(client: Client, schema: string, table: RandomTable, stamped: boolean): Promise<void> {
  const name = qualified(client, schema, table);
  const columns = table.columns.map(
    (column) => `${client.escapeIdentifier(column.name)} ${column.type}${column.nullable ? '' : ' NOT NULL'}`,
  );
  const key = table.key.map((column) => client.escapeIdentifier(column));
  const constraint = key.length === 0 ? [] : [`PRIMARY KEY (${key.join(', ')})`];
  await client.query(`CREATE TABLE ${name} (${[...columns, ...constraint].join(', ')})`);
  if (stamped)
    await client.query(
      `ALTER TABLE ${name} ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(); CREATE INDEX ON ${name} (updated_at)`,
    );
  await insert(client, name, table.columns, table.rows);
}

/** Rows whose key exists already are no part of the test. */
async function insert(
  client: Client,
  name: string,
  columns: readonly RandomColumn[],
  rows: RandomTable['rows'],
): Promise<void> {
  if (rows.length === 0) return;
  const tuples = rows.map(
    (_, row) =>
      `(${columns.map((column, index) => `$${row * columns.length + index + 1}::${column.type}`).join(', ')})`,
  );
  await client.query(`INSERT INTO ${name} VALUES ${tuples.join(', ')} ON CONFLICT DO NOTHING`, rows.flat());
}

/** What PostgreSQL refuses (a key twice, a column that is gone) leaves the table as it is. */
async function change(client: Client, schema: string, table: RandomTable): Promise<void> {
  const name = qualified(client, schema, table);
  for (const each of table.changes) {
    await applyChange(client, name, table, each).catch((error: { code?: string }) => {
      if (!/^(?:22|23|42|54|0A)/.test(error.code ?? '')) throw error;
    });
  }
}

async function applyChange(client: Client, name: string, table: RandomTable, change: RandomChange): Promise<void> {
  const column = (index: number): string => client.escapeIdentifier(table.columns[index]?.name ?? '');
  const slice = (number: number): string => `(hashtext(t::text) & 3) = ${number}`;
  switch (change.kind) {
    case 'insert':
      return await insert(client, name, table.columns, change.rows);
    case 'update':
      await client.query(`UPDATE ${name} AS t SET ${column(change.column)} = $1 WHERE ${slice(change.slice)}`, [
        change.value,
      ]);
      return;
    case 'delete':
      await client.query(`DELETE FROM ${name} AS t WHERE ${slice(change.slice)}`);
      return;
    case 'truncate':
      await client.query(`TRUNCATE ${name}`);
      return;
    case 'add column': {
      const value = change.value === null ? '' : ` DEFAULT ${client.escapeLiteral(change.value)}`;
      await client.query(
        `ALTER TABLE ${name} ADD COLUMN ${client.escapeIdentifier(change.column.name)} ${change.column.type}${value}`,
      );
      return;
    }
    case 'drop column':
      await client.query(`ALTER TABLE ${name} DROP COLUMN ${column(change.column)}`);
      return;
    case 'rename column':
      await client.query(
        `ALTER TABLE ${name} RENAME COLUMN ${column(change.column)} TO ${client.escapeIdentifier(change.name)}`,
      );
      return;
    case 'widen column': {
      const type = widerType(table.columns[change.column]?.type ?? '');
      if (type !== undefined)
        await client.query(`ALTER TABLE ${name} ALTER COLUMN ${column(change.column)} TYPE ${type}`);
      return;
    }
    case 'drop key': {
      const { rows } = await client.query<{ conname: string }>(
        `SELECT conname FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'p'`,
        [name],
      );
      for (const row of rows)
        await client.query(`ALTER TABLE ${name} DROP CONSTRAINT ${client.escapeIdentifier(row.conname)}`);
      return;
    }
    case 'rewrite':
      await client.query(`VACUUM FULL ${name}`);
  }
}

async function syncAndVerify(
  database: TestDatabase,
  settings: Partial<Settings>,
  list: readonly RandomTable[],
): Promise<void> {
  const { failures } = await sync(database, settings);
  const report = await runVerify(settingsFor(database, settings), {
    logger: SILENT,
    signal: new AbortController().signal,
    show: 3,
    sample: 1,
  });
  const wrong = report.tables.filter((table) => table.outcome !== 'equal');
  const definitions = list.filter(
    (table) =>
      wrong.some(({ key }) => key.endsWith(`.${table.name}`)) ||
      Object.keys(failures).some((key) => key.endsWith(`.${table.name}`)),
  );
  expect({ failures, wrong, definitions, settings }).toEqual({ failures: {}, wrong: [], definitions: [], settings });
  expect(report.tables).toHaveLength(list.length);
}

function qualified(client: Client, schema: string, table: RandomTable): string {
  return `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(table.name)}`;
}

/** Names that the product gives to none of its own columns, and that DuckDB tells apart. */
function keepsNames({ columns, changes }: RandomTable): boolean {
  const names = columns.map(({ name }) => name.toLowerCase());
  const kept = names.every((name) => !/^(?:_fivetran_|sync_timestamp$|rowid$)/.test(name));
  // A column that is dropped or renamed stays in the warehouse, and one that comes may have any name.
  return (
    kept &&
    new Set(names).size === names.length &&
    changes.every(({ kind }) => !/^(?:add|drop|rename) column/.test(kind))
  );
}

/** The tables whose columns bear the same names on both sides, without the product's code. */
async function compare(
  client: Client,
  schema: string,
  warehousePath: string,
  list: readonly RandomTable[],
): Promise<void> {
  const warehouse = await openWarehouse(warehousePath);
  try {
    const wrong: unknown[] = [];
    for (const table of list.filter(keepsNames)) {
      const { missing, unexpected } = await compareTable(client, warehouse, { schema, name: table.name });
      if (missing.length > 0 || unexpected.length > 0) wrong.push({ table, missing, unexpected });
    }
    expect(wrong).toEqual([]);
  } finally {
    warehouse.close();
  }
}
