/** Rules in JavaScript over a batch: columns replaced, rows dropped. */
import { ConnectorError } from '../common/errors';
import { packValues, PackedBatch } from '../model/packed-batch';
import type { BatchRule } from './transformations';

type Column = readonly (string | null)[];

export function applyBatchRules(
  batch: PackedBatch,
  names: readonly string[],
  rules: readonly BatchRule[],
): PackedBatch {
  if (rules.length === 0 || batch.rowCount === 0) return batch;
  let rows = batch.rowCount;
  let columns: Column[] = batch.columns.map((column) => column.values());
  for (const rule of rules) {
    const result = rule.apply({
      rows,
      columns: Object.fromEntries(names.map((name, index) => [name, columns[index] ?? []])),
    });
    for (const [name, values] of Object.entries(result.columns ?? {})) {
      const index = names.indexOf(name);
      if (index === -1) throw ruleError(rule, `returned column "${name}", which the table does not have`);
      if (values.length !== rows)
        throw ruleError(rule, `returned ${values.length} values of column "${name}" for ${rows} rows`);
      columns = columns.with(index, values);
    }
    const keep = result.keep;
    if (keep !== undefined) {
      if (keep.length !== rows) throw ruleError(rule, `returned ${keep.length} "keep" flags for ${rows} rows`);
      columns = columns.map((values) => values.filter((_, row) => keep[row] === true));
      rows = keep.filter(Boolean).length;
    }
  }
  return new PackedBatch(rows, columns.map(packValues), batch.bytes);
}

function ruleError(rule: BatchRule, what: string): ConnectorError {
  return new ConnectorError(`The transformation "${rule.name}" ${what}.`, {
    code: 'transformation',
    kind: 'source',
    hint: 'Correct the module named by "transformations".',
  });
}
