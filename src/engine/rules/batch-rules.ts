/** Applies rules in JavaScript to a batch: they replace columns and drop rows. */
import { counted, plural } from '../../common/counted';
import type { ColumnType } from '../../model/column-type';
import { packValues, PackedBatch } from '../../model/packed-batch';
import type { SelectColumn } from '../../postgres/read';
import { messageOf } from './transformation-module';
import type { RuleBatch, RuleBatchResult } from './rule-types';
import { ruleError, type BatchRule } from './transformations';

type Column = readonly (string | null)[];

export function applyBatchRules(
  batch: PackedBatch,
  present: readonly Pick<SelectColumn, 'name' | 'type'>[],
  rules: readonly BatchRule[],
): PackedBatch {
  if (rules.length === 0 || batch.rowCount === 0) return batch;
  let rows = batch.rowCount;
  let columns: Column[] = batch.columns.map((column) => column.values());
  for (const rule of rules) {
    const result = resultOf(rule, {
      rows,
      columns: Object.fromEntries(present.map(({ name }, index) => [name, columns[index] ?? []])),
    });
    for (const [name, values] of Object.entries(result.columns ?? {})) {
      const index = present.findIndex((column) => column.name === name);
      const column = present[index];
      if (column === undefined) throw ruleError(rule, `returned column "${name}", which the table does not have`);
      checkValues(rule, column, values, rows);
      columns = columns.with(index, values);
    }
    const keep = result.keep;
    if (keep !== undefined) {
      checkFlags(rule, keep, rows);
      columns = columns.map((values) => values.filter((_, row) => keep[row] === true));
      rows = keep.filter(Boolean).length;
    }
  }
  return new PackedBatch(rows, columns.map(packValues), batch.bytes);
}

/** Checks what the user's code returned; no mistake in it may pass silently. */
function resultOf(rule: BatchRule, batch: RuleBatch): RuleBatchResult {
  let result: unknown;
  try {
    result = rule.apply(batch);
  } catch (cause) {
    throw ruleError(rule, `failed: ${messageOf(cause)}`, cause);
  }
  if (typeof result !== 'object' || result === null) throw ruleError(rule, `returned ${String(result)}, no object`);
  if ('then' in result) throw ruleError(rule, 'returned a promise; "batch" must return its result at once');
  const unknown = Object.keys(result).find((key) => key !== 'columns' && key !== 'keep');
  if (unknown !== undefined) throw ruleError(rule, `returned "${unknown}", which is neither "columns" nor "keep"`);
  return result;
}

function checkValues(
  rule: BatchRule,
  { name, type }: Pick<SelectColumn, 'name' | 'type'>,
  values: readonly unknown[],
  rows: number,
): void {
  if (!Array.isArray(values)) throw ruleError(rule, `returned something other than a list for column "${name}"`);
  if (values.length !== rows)
    throw ruleError(
      rule,
      `returned ${counted(values.length, 'value')} of column "${name}" for ${counted(rows, 'row')}`,
    );
  const wrong = values.findIndex((value) => value !== null && typeof value !== 'string');
  if (wrong !== -1)
    throw ruleError(
      rule,
      `returned a value of type ${typeof values[wrong]} in column "${name}", which takes texts and null`,
    );
  // Half of a surrogate pair has no UTF-8: it would arrive as U+FFFD.
  if (values.some((value) => typeof value === 'string' && /\p{Surrogate}/u.test(value)))
    throw ruleError(rule, `returned a text in column "${name}" that is not Unicode: half of a surrogate pair`);
  const exact = exactText(type);
  if (exact !== undefined && values.some((value) => typeof value === 'string' && !exact.test(value)))
    throw ruleError(rule, `returned a text in column "${name}" that its type ${type.kind} would alter or refuse`);
}

/**
 * Types whose cast in the warehouse would round or cut a text without an error, with the texts that they take
 * unchanged.
 */
function exactText(type: ColumnType): RegExp | undefined {
  switch (type.kind) {
    case 'int16':
    case 'int32':
    case 'int64':
      return /^-?\d+$/;
    case 'decimal':
      return new RegExp(`^(-?\\d+(\\.\\d{0,${type.scale}}0*)?|NaN)$`);
    case 'decimal-unbounded':
      return /^(-?\d+(\.\d*)?|NaN|-?Infinity)$/;
    case 'date':
      return /^(\d+-\d\d-\d\d( BC)?|-?infinity)$/;
    case 'timestamp':
      return /^(\d+-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?( BC)?|-?infinity)$/;
    case 'timestamptz':
      return /^(\d+-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?(Z|[+-]\d\d(:?\d\d)*)?( BC)?|-?infinity)$/;
    case 'binary':
      return /^\\x([0-9a-fA-F]{2})*$/;
    default:
      return undefined;
  }
}

function checkFlags(rule: BatchRule, keep: readonly unknown[], rows: number): void {
  if (!Array.isArray(keep)) throw ruleError(rule, 'returned something other than a list for "keep"');
  if (keep.length !== rows)
    throw ruleError(rule, `returned ${keep.length} "keep" ${plural(keep.length, 'flag')} for ${counted(rows, 'row')}`);
  if (keep.findIndex((flag) => typeof flag !== 'boolean') !== -1)
    throw ruleError(rule, 'returned a "keep" flag that is neither true nor false');
}
