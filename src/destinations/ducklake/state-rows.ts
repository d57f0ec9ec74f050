/**
 * The committed state of every table of a lake, each in a table of its own: writers of two tables would otherwise
 * conflict in the table of states.
 *
 * A state has a generation. A commit deletes the row of the generation that it knows and adds the next one, in the
 * transaction of the rows. Of two processes that both believe that a table is theirs, the second therefore fails: it finds
 * no such row, or DuckLake finds that the row was deleted meanwhile.
 */
import { createHash } from 'node:crypto';
import { asConnectorError } from '../../common/errors';
import type { TableState } from '../../model/sync-state';
import { DATABASE, destinationError, literal, quoted, type StateRows, type Warehouse } from '../duckdb';

const SCHEMA = '_pgsluice';
const PREFIX = 'state_';
/** Rows of one insert that DuckLake keeps in the catalog in place of a file. */
const INLINED_STATES = 100;
/** A table of states keeps its old rows until it is made anew. */
const ROWS_BEFORE_RENEWAL = 100;
/** States that one statement reads. */
const READ_AT_ONCE = 50;
const READ_ATTEMPTS = 5;

interface StateRow {
  readonly key: string;
  readonly entry: string;
  /** Generation with which its table was made. */
  readonly since: number;
}

export class LakeStates implements StateRows {
  /** By table of states, as last read or written here. */
  private readonly generations = new Map<string, number>();
  /** As last read. */
  private readonly rows = new Map<string, StateRow>();
  /** The generations of the transaction that runs; undefined where a table has none any more. */
  private readonly uncommitted = new Map<string, number | undefined>();

  /** A table's is made with its first state. Rows of states stay in the catalog; those of tables are in Parquet alone. */
  async make(warehouse: Warehouse, schema: string): Promise<void> {
    const set = await warehouse.rows(
      "SELECT scope_entry FROM ducklake_options(current_database()) WHERE option_name = 'data_inlining_row_limit' AND scope = 'SCHEMA'",
    );
    const wanted = new Map([
      [SCHEMA, INLINED_STATES],
      [schema, 0],
    ]);
    for (const [name, rows] of wanted)
      if (!set.some(([entry]) => entry === name))
        await warehouse.run(
          `CALL ${DATABASE}.set_option('data_inlining_row_limit', ${rows}, schema => ${literal(name)})`,
        );
  }

  async entries(warehouse: Warehouse, schema: string): Promise<[key: string, entry: string][]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.read(warehouse, schema);
      } catch (error) {
        // Between the list and the look, somebody may have forgotten a table.
        if (attempt >= READ_ATTEMPTS || asConnectorError(error).code !== 'warehouse_refused') throw error;
      }
    }
  }

  private async read(warehouse: Warehouse, schema: string): Promise<[key: string, entry: string][]> {
    this.generations.clear();
    this.rows.clear();
    const found = await warehouse.rows(
      `SELECT table_name FROM duckdb_tables() WHERE schema_name = '${SCHEMA}' AND database_name = current_database() ` +
        `AND starts_with(table_name, '${PREFIX}') ORDER BY table_name`,
    );
    const names = found.map(([name]) => String(name));
    const entries: [key: string, entry: string][] = [];
    for (let first = 0; first < names.length; first += READ_AT_ONCE) {
      const parts = names
        .slice(first, first + READ_AT_ONCE)
        .map(
          (name) =>
            `SELECT ${literal(name)}, table_key, entry, generation, destination_schema, since FROM ${place(name)}`,
        );
      for (const [name, key, entry, generation, owner, since] of await warehouse.rows(parts.join(' UNION ALL '))) {
        if (owner !== schema) continue;
        this.generations.set(String(name), Number(generation));
        this.rows.set(String(name), { key: String(key), entry: String(entry), since: Number(since) });
        entries.push([String(key), String(entry)]);
      }
    }
    return entries.sort(([one], [other]) => (one < other ? -1 : 1));
  }

  /** The generation of a table's state, as last read or written; 0 where it has none. */
  generationOf(schema: string, key: string): number {
    return this.generations.get(tableName(schema, key)) ?? 0;
  }

  async store(warehouse: Warehouse, schema: string, states: ReadonlyMap<string, TableState | null>): Promise<void> {
    for (const [key, state] of states) {
      const name = tableName(schema, key);
      const before = this.generations.get(name);
      if (before === undefined) {
        if (state === null) continue;
        await create(warehouse, name);
      } else {
        const deleted = await warehouse.run(`DELETE FROM ${place(name)} WHERE generation = ${before}`);
        if (deleted !== 1) throw takenOver(key, warehouse.path);
      }
      if (state === null) {
        await warehouse.run(`DROP TABLE ${place(name)}`);
        this.uncommitted.set(name, undefined);
        continue;
      }
      const next = (before ?? 0) + 1;
      await insert(warehouse, name, schema, {
        key,
        generation: next,
        since: this.rows.get(name)?.since ?? next,
        entry: JSON.stringify(state),
      });
      this.uncommitted.set(name, next);
    }
  }

  /**
   * Takes the row of the table as its owner would, and leaves it as it was: a commit of that owner's, made at the same
   * time, fails or makes this one fail. `table`: in the lake.
   */
  async touch(warehouse: Warehouse, schema: string, table: string): Promise<void> {
    await this.entries(warehouse, schema);
    for (const [name, row] of this.rows) {
      const generation = this.generations.get(name);
      if (destinationOf(row.entry) !== table || generation === undefined) continue;
      await warehouse.run(`DELETE FROM ${place(name)} WHERE generation = ${generation}`);
      await insert(warehouse, name, schema, { ...row, generation });
    }
  }

  /** Makes tables anew that have many old rows, in a transaction each; the rows go with the snapshots that have them. */
  async renewed(
    warehouse: Warehouse,
    schema: string,
    inTransaction: (action: () => Promise<void>) => Promise<void>,
  ): Promise<void> {
    await this.entries(warehouse, schema);
    for (const [name, row] of this.rows) {
      const generation = this.generations.get(name) ?? 0;
      if (generation - row.since < ROWS_BEFORE_RENEWAL) continue;
      await inTransaction(async () => {
        await warehouse.run(`DROP TABLE ${place(name)}`);
        await create(warehouse, name);
        await insert(warehouse, name, schema, { ...row, generation, since: generation });
      });
    }
  }

  positionTable(schema: string): string {
    return place(`log_position_${digest(schema)}`);
  }

  ended(how: 'COMMIT' | 'ROLLBACK'): void {
    for (const [name, generation] of how === 'COMMIT' ? this.uncommitted : []) {
      if (generation === undefined) this.generations.delete(name);
      else this.generations.set(name, generation);
    }
    this.uncommitted.clear();
  }
}

function takenOver(key: string, lake: string): Error {
  return destinationError(`Another process has synced ${key} into the lake ${lake} meanwhile.`, 'lake_conflict', {
    hint: 'Nothing of this commit was kept; run the sync again, one at a time for each table.',
  });
}

/** The same for everybody, whatever characters the key has. */
function tableName(schema: string, key: string): string {
  return PREFIX + digest(`${schema}\0${key}`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}

function place(name: string): string {
  return `${SCHEMA}.${quoted(name)}`;
}

async function create(warehouse: Warehouse, name: string): Promise<void> {
  await warehouse.run(
    `CREATE TABLE ${place(name)} (destination_schema VARCHAR, table_key VARCHAR, generation BIGINT, since BIGINT, entry VARCHAR)`,
  );
}

async function insert(
  warehouse: Warehouse,
  name: string,
  schema: string,
  { key, generation, since, entry }: StateRow & { readonly generation: number },
): Promise<void> {
  const values = [literal(schema), literal(key), String(generation), String(since), literal(entry)];
  await warehouse.run(`INSERT INTO ${place(name)} VALUES (${values.join(', ')})`);
}

/** The table that a state names, which may be damaged. */
function destinationOf(entry: string): string | undefined {
  try {
    return (JSON.parse(entry) as Partial<TableState> | null)?.destinationTable;
  } catch {
    return undefined;
  }
}
