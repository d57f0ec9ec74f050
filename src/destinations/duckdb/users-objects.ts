/**
 * Keeps what users added to the warehouse's tables: indexes and primary keys, of which we make none ourselves. DuckDB
 * refuses to change a column of a table that has them, even in the transaction that dropped them, and a load that takes
 * a table's place removes them. So they are made again on the table that is there in the end.
 */
import { ConnectorError } from '../../common/errors';
import type { Logger } from '../../common/logger';
import { literal, qualified, type TableName } from './types';
import { folded } from '../naming';

/** The warehouse, which holds these objects itself. */
interface Statements {
  run(sql: string): Promise<unknown>;
  rows(sql: string): Promise<readonly (readonly unknown[])[]>;
}

interface UsersObject {
  /** For messages. */
  readonly name: string;
  readonly sql: string;
  /** SQL of the columns and expressions whose values must be unique. */
  readonly unique: string | undefined;
}

export class UsersObjects {
  private constructor(
    private readonly byTable: ReadonlyMap<string, readonly UsersObject[]>,
    private readonly logger: Logger,
  ) {}

  /** Finds the objects of a schema. The file is locked, so nobody makes more of them meanwhile. */
  static async read(warehouse: Statements, schema: string, logger: Logger): Promise<UsersObjects> {
    const here = `schema_name = ${literal(schema)} AND database_name = current_database()`;
    const indexes = await warehouse.rows(
      `SELECT table_name, index_name, sql, is_unique FROM duckdb_indexes() WHERE ${here} AND sql IS NOT NULL ORDER BY index_oid`,
    );
    const keys = await warehouse.rows(
      `SELECT table_name, constraint_text FROM duckdb_constraints() WHERE ${here} AND constraint_type = 'PRIMARY KEY'`,
    );
    const objects = [
      ...indexes.map(([table, name, text, isUnique]) => {
        const sql = String(text).replace(/;$/, '');
        const unique = isUnique === true ? indexed(sql, { schema, name: String(table) }) : undefined;
        return { table: String(table), object: { name: `The index ${String(name)}`, sql, unique } };
      }),
      ...keys.map(([table, key]) => {
        const sql = `ALTER TABLE ${qualified({ schema, name: String(table) })} ADD ${String(key)}`;
        const unique = String(key).replace(/^PRIMARY KEY\s*\((.*)\)$/s, '$1');
        return { table: String(table), object: { name: 'The primary key', sql, unique } };
      }),
    ];
    const byTable = new Map<string, UsersObject[]>();
    for (const { table, object } of objects) {
      const key = folded(qualified({ schema, name: table }));
      byTable.set(key, [...(byTable.get(key) ?? []), object]);
    }
    return new UsersObjects(byTable, logger);
  }

  /** `table` is qualified and quoted, as in all of these. */
  has(table: string): boolean {
    return this.of(table).length > 0;
  }

  /** Whether an object restricts the table's rows. */
  hasUnique(table: string): boolean {
    return this.of(table).some(({ unique }) => unique !== undefined);
  }

  /**
   * Makes the objects on a table that is new in this transaction. An object that cannot be made again is lost, with a
   * warning.
   */
  async makeAgain(warehouse: Statements, table: string): Promise<void> {
    for (const object of this.of(table)) {
      try {
        // DuckDB would find it only at the commit, which other tables share.
        if (await isViolated(warehouse, table, object)) throw new Error('Two of the new rows have the same.');
        await warehouse.run(object.sql);
      } catch (error) {
        if (error instanceof ConnectorError && error.kind !== 'source') throw error;
        const reason = error instanceof Error ? error.message : String(error);
        this.logger.warning(
          `${object.name} of ${table.replaceAll('"', '')} in the warehouse is gone: ${reason} It was: ${object.sql}`,
        );
      }
    }
  }

  /** Name of the first object that the table's rows violate. */
  async violated(warehouse: Statements, table: string): Promise<string | undefined> {
    for (const object of this.of(table)) if (await isViolated(warehouse, table, object)) return object.name;
    return undefined;
  }

  private of(table: string): readonly UsersObject[] {
    return this.byTable.get(folded(table)) ?? [];
  }
}

/** Rows with a NULL among the values may occur any number of times. */
async function isViolated(warehouse: Statements, table: string, { unique }: UsersObject): Promise<boolean> {
  if (unique === undefined) return false;
  const twice = await warehouse.rows(
    `SELECT count(*) FROM (SELECT *, count(*) AS _pgsluice_n FROM (SELECT ${unique} FROM ${table}) AS _pgsluice_u ` +
      `WHERE COLUMNS(*) IS NOT NULL GROUP BY ALL HAVING _pgsluice_n > 1 LIMIT 1)`,
  );
  return twice[0]?.[0] !== 0n;
}

/** `id, (n + 1)` of `CREATE UNIQUE INDEX i ON tester.t(id, (n + 1))`. DuckDB quotes names where they need it. */
function indexed(sql: string, table: TableName): string | undefined {
  const either = (name: string): string => `(?:${escaped(name)}|"${escaped(name.replaceAll('"', '""'))}")`;
  const body = new RegExp(` ON (?:${either(table.schema)}\\.)?${either(table.name)}\\s*\\((.*)\\)$`, 'is').exec(sql);
  return body?.[1];
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
