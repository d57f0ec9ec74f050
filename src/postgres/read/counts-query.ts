/** One statement that counts the rows of many relations, and those of them that may have changed. */
import type { Relation } from '../../model/table';
import { quoteQualified, SETTINGS_SEEN } from '../connection';
import { ROW_ALIAS } from './select-list';

export interface CountedRelation {
  readonly relation: Relation;
  /** SQL conditions over the row alias; other rows are not counted. */
  readonly conditions: readonly string[];
  /** SQL condition of rows that may have changed. */
  readonly changed: string;
}

/**
 * A row for each relation, in their order: `n` rows, `c` of them changed, `f` the relation's file node, `x` the value of
 * `extra` under the statement's snapshot, and `s` the settings that it ran under.
 */
export function countsQuery(counted: readonly CountedRelation[], extra: string): string {
  const parts = counted.map(({ relation, conditions, changed }, index) => {
    const where =
      conditions.length === 0 ? '' : ` WHERE ${conditions.map((condition) => `(${condition})`).join(' AND ')}`;
    return (
      `SELECT ${index} AS i, count(*)::text AS n, (count(*) FILTER (WHERE ${changed}))::text AS c, ` +
      `pg_catalog.pg_relation_filenode(${relation.oid})::text AS f ` +
      `FROM ONLY ${quoteQualified(relation.schema, relation.name)} AS ${ROW_ALIAS}${where}`
    );
  });
  return `SELECT n, c, f, ${extra} AS x, ${SETTINGS_SEEN} AS s FROM (${parts.join(' UNION ALL ')}) AS q ORDER BY i`;
}
