/** Shows the statements that would read a table, as the server will see them. */
import type { Settings } from '../../config/settings';
import { POSITIONS_PER_BLOCK, type TidRange } from '../../model/tid-range';
import { BatchSizer, packedQuerySql, type PackedQuery, ROW_ALIAS } from '../../postgres/read';
import { quoteIdentifier, quoteLiteral, quoteRows } from '../../postgres/connection';
import { changeConditions } from '../../engine/passes';
import { singleStatementRelation, type TableRun } from '../../engine/plan';
import { passOf } from './plan-details';

export interface ExplainedStatement {
  readonly purpose: string;
  readonly sql: string;
}

const BEGIN: readonly ExplainedStatement[] = [
  {
    purpose: 'One moment for the whole table, which other readers join',
    sql: 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY',
  },
  { purpose: 'Its name', sql: 'SELECT pg_catalog.pg_export_snapshot()' },
];
const END: ExplainedStatement = { purpose: 'Ends the snapshot', sql: 'COMMIT' };

export function explainTable(run: TableRun, settings: Settings): readonly ExplainedStatement[] {
  const { planned, selection } = run;
  if (planned.readMethod === 'cursor') return [...BEGIN, cursorStatement(run), END];
  const [relation] = planned.table.relations;
  if (relation === undefined) return [];
  const sizer = new BatchSizer({
    estimatedRows: relation.rows,
    blocks: relation.blocks,
    bytes: relation.bytes,
    batchBytes: settings.batchBytes,
  });
  const whole: TidRange = { lo: 0, hi: relation.blocks * POSITIONS_PER_BLOCK };
  const query: PackedQuery = {
    relation,
    columns: selection.columns,
    conditions: selection.conditions,
    range: sizer.next(whole, planned.batchRows),
    packing: 'plain',
    maxBytes: settings.batchBytes,
  };
  const pass = passOf(run);
  if (pass === 'changes' && planned.mode === 'timestamp' && run.committed?.watermark != null) {
    return [...BEGIN, pageStatement(run, query, run.committed.watermark), END];
  }
  if (pass === 'changes') {
    const conditions = [...selection.conditions, ...changeConditions(run, relation.oid)];
    const sql = packedQuerySql({ ...query, conditions });
    return [...BEGIN, { purpose: 'The first range, rows that may have changed; the others follow', sql }, END];
  }
  if (singleStatementRelation(run, settings.batchBytes) !== undefined) {
    const sql = packedQuerySql({ ...query, range: { lo: 0, hi: Infinity } });
    return [{ purpose: 'The whole table, in one statement that is its own snapshot', sql }];
  }
  const parts = planned.table.relations.length > 1 ? ' of the first partition' : '';
  return [
    ...BEGIN,
    {
      purpose: `The first batch${parts}; the others follow, as large as this one shows to be right`,
      sql: packedQuerySql(query),
    },
    END,
  ];
}

function pageStatement(run: TableRun, query: PackedQuery, watermark: string): ExplainedStatement {
  const column = run.planned.table.columns.find(({ name }) => name === run.planned.replicationKey);
  const key = `${ROW_ALIAS}.${quoteIdentifier(column?.name ?? '')}`;
  const since = `${key} >= ${quoteLiteral(watermark)}::${column?.sourceType.name ?? 'timestamptz'}`;
  return {
    purpose: 'Rows at or after the watermark, page after page',
    sql: packedQuerySql({
      ...query,
      range: { lo: 0, hi: Infinity },
      conditions: [...query.conditions, since],
      first: { order: [key, `${ROW_ALIAS}.ctid`], rows: run.planned.batchRows },
    }),
  };
}

function cursorStatement(run: TableRun): ExplainedStatement {
  const columns = run.selection.columns.map(({ textExpression }) => textExpression).join(', ');
  const rows = quoteRows(run.planned.table.relations[0] ?? run.planned.table);
  const conditions = run.selection.conditions;
  const where =
    conditions.length === 0 ? '' : ` WHERE ${conditions.map((condition) => `(${condition})`).join(' AND ')}`;
  return {
    purpose: 'A cursor over these values, one packed text a row, fetched in batches',
    sql: `SELECT ${columns} FROM ${rows} AS ${ROW_ALIAS}${where}`,
  };
}
