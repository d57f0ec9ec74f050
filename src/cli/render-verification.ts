/** Renders the result of a comparison, for people. */
import type { RowDifference, TableVerification, VerificationReport } from '../model/verification';
import { renderRecords, wrap } from './render-records';
import { formatCounted, formatInteger } from './text-width';

export function renderVerification(report: VerificationReport, width: number | undefined): readonly string[] {
  const { tables } = report;
  const header = ['Table', 'Source rows', 'Warehouse rows', 'Result'];
  const rows = tables.map((table) => [
    table.key,
    counted(table.sourceRows),
    counted(table.warehouseRows),
    table.sample < 1 && table.outcome !== 'failed' ? `${table.outcome} (sample)` : table.outcome,
  ]);
  const details = tables.flatMap((table) => (table.outcome === 'equal' ? [] : describeTable(table, width)));
  return ['', ...renderRecords(header, rows, { right: header.slice(1, 3), width }), '', ...details, verdict(report)];
}

function counted(rows: number | null): string {
  return rows === null ? '–' : formatInteger(rows);
}

function verdict({ tables, seconds }: VerificationReport): string {
  const different = tables.filter((table) => table.outcome === 'different').length;
  const failed = tables.filter((table) => table.outcome === 'failed').length;
  const time = `(${seconds.toFixed(2)} s)`;
  if (different + failed === 0) {
    const sampled = tables.some((table) => table.sample < 1);
    return sampled
      ? `EQUAL as far as the sample goes ${time}; rows that only the warehouse has are not looked for in a sample`
      : `EQUAL: every value of ${formatCounted(tables.length, 'table')} is the same in source and warehouse ${time}`;
  }
  const parts = [
    ...(different > 0 ? [`${formatCounted(different, 'table')} differ${different === 1 ? 's' : ''}`] : []),
    ...(failed > 0 ? [`${formatCounted(failed, 'table')} could not be compared`] : []),
  ];
  return `${different > 0 ? 'DIFFERENT' : 'FAILED'}: ${parts.join(', ')} ${time}`;
}

function describeTable(table: TableVerification, width: number | undefined): readonly string[] {
  const { difference, problem, error } = table;
  const lines = [problem, error?.describe()].flatMap((line) =>
    line === undefined ? [] : wrap(`${table.key}: ${line}`, width),
  );
  if (difference === undefined) return [...lines, ''];
  const { groups, groupsDifferent, complete, onlyInSource, onlyInWarehouse, changed, sinceSync } = difference;
  const least = complete ? '' : 'at least ';
  const found =
    `${table.key}: ${least}${formatInteger(changed)} changed, ${formatInteger(onlyInSource)} only in the source, ` +
    `${formatInteger(onlyInWarehouse)} only in the warehouse; ${formatInteger(groupsDifferent)} of ${formatCounted(groups, 'group')} of keys differ.`;
  const since =
    sinceSync === 0
      ? []
      : [`${formatCounted(sinceSync, 'row')} of these changed after the last sync had begun; sync again to get them.`];
  const columns = Object.entries(difference.columns).map(
    ([column, rows]) => `${column} (${formatCounted(rows, 'row')})`,
  );
  return [
    ...lines,
    ...wrap(found, width),
    ...since.flatMap((line) => wrap(line, width, 2)),
    ...(columns.length === 0 ? [] : wrap(`Columns that differ: ${columns.join(', ')}`, width, 2)),
    ...(difference.rows.length === 0 && changed + onlyInSource + onlyInWarehouse > 0
      ? ['  --show 10 shows rows and values.']
      : []),
    ...difference.rows.flatMap(describeRow),
    '',
  ];
}

const KINDS: Readonly<Record<RowDifference['kind'], string>> = {
  only_in_source: 'only in the source',
  only_in_warehouse: 'only in the warehouse',
  changed: 'changed',
};

function describeRow(row: RowDifference): string[] {
  const key = Object.entries(row.key).map(([column, value]) => `${column}=${quoted(value)}`);
  return [
    `  ${key.join(' ')}: ${KINDS[row.kind]}${row.sinceSync ? ', after the last sync had begun' : ''}`,
    ...row.values.map(
      ({ column, source, warehouse }) => `    ${column}: source ${quoted(source)}, warehouse ${quoted(warehouse)}`,
    ),
  ];
}

const LONGEST_VALUE = 200;

/** As a JSON string, so that blanks and control characters are visible. */
function quoted(value: string | null): string {
  if (value === null) return 'NULL';
  return JSON.stringify(value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE)}…` : value);
}
