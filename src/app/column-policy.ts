/**
 * The rules of `columns` on the tables of the source. What they leave out is no column of a table any more, and what they
 * rewrite has another SQL expression and type: everything that reads a table follows, without knowing of rules.
 */
import { compileColumnRules, idleRules, type ColumnRules } from '../config/column-rules';
import { ConnectorError } from '../common/errors';
import type { LogLevel } from '../common/logger';
import type { Settings } from '../config/settings';
import { actionText, type WithheldColumn } from '../model/column-policy';
import { tableKey, type ColumnSchema, type TableSchema } from '../model/table';
import type { Catalog, KeyCandidate } from '../postgres/catalog';
import { ORDERS_REGION } from '../engine/rules';

export type PolicySettings = Pick<Settings, 'columns' | 'columnsUnlisted' | 'columnsDenied' | 'hashKey' | 'region'>;

export interface AppliedPolicy {
  /** In the order given. */
  readonly tables: readonly TableSchema[];
  /** By oid: why a table cannot be read under its rules. */
  readonly refused: ReadonlyMap<number, ConnectorError>;
  /** Sentences about rules that change nothing. */
  readonly warnings: readonly string[];
}

export function applyColumnPolicy(tables: readonly TableSchema[], settings: PolicySettings): AppliedPolicy {
  const { columns: rules, columnsUnlisted, columnsDenied } = settings;
  if (rules.length === 0 && columnsUnlisted === 'read' && columnsDenied === 'fail')
    return { tables, refused: new Map(), warnings: [] };
  const compiled = compileColumnRules(rules);
  const refused = new Map<number, ConnectorError>();
  const applied = tables.map((table) => {
    const changed = applyToTable(table, compiled, settings);
    const problem = whyRefused(table, changed, settings);
    if (problem !== undefined) refused.set(table.oid, problem);
    return changed;
  });
  const all = tables.flatMap((table) => table.columns.map(({ name }) => ({ table, column: name })));
  return { tables: applied, refused, warnings: tables.length === 0 ? [] : idleRules(rules, all) };
}

function applyToTable(table: TableSchema, rules: ColumnRules, settings: PolicySettings): TableSchema {
  const withheld: WithheldColumn[] = [];
  const columns = table.columns.flatMap((column): readonly ColumnSchema[] => {
    const action = rules.of(table, column.name)?.action;
    const why = whyWithheld(column, action?.kind, settings);
    if (why !== undefined) {
      withheld.push({ name: column.name, place: column.place, why });
      return [];
    }
    if (action === undefined || action.kind === 'keep' || action.kind === 'exclude') return [column];
    // Nothing of the column is read for NULL, so the role need not be allowed to.
    const { denied, ...others } = column;
    const policy = { action, hashId: action.kind === 'hash' ? (settings.hashKey?.id ?? '') : '' };
    if (action.kind === 'null') return [{ ...others, policy }];
    return [{ ...others, ...(denied === true ? { denied } : {}), type: { kind: 'string' }, policy }];
  });
  return { ...table, columns, ...(withheld.length === 0 ? {} : { withheld }) };
}

function whyWithheld(
  column: ColumnSchema,
  action: string | undefined,
  { columnsUnlisted, columnsDenied }: PolicySettings,
): WithheldColumn['why'] | undefined {
  if (action === 'exclude') return 'rule';
  if (action === undefined && columnsUnlisted !== 'read') return 'unlisted';
  return column.denied === true && columnsDenied === 'skip' && action !== 'null' ? 'denied' : undefined;
}

/** Rows must still be told apart by their key, and be those that the region asks for. */
function whyRefused(table: TableSchema, changed: TableSchema, { region }: PolicySettings): ConnectorError | undefined {
  const key = tableKey(table);
  const withheld = new Map((changed.withheld ?? []).map(({ name, why }) => [name, why]));
  const policies = new Map(changed.columns.map(({ name, policy }) => [name, policy]));
  if (changed.columns.length === 0 && table.columns.length > 0)
    return refusal(`No column of ${key} is left to read.`, `Leave the table out with "!${key}" in "table_filters".`);
  for (const column of table.primaryKey) {
    const why = withheld.get(column);
    const action = policies.get(column)?.action;
    if (why === 'unlisted')
      return refusal(`Key column "${column}" of ${key} is named by no rule of "columns".`, KEY_ADVICE);
    if (why === 'denied') return refusal(`The role may not read key column "${column}" of ${key}.`, GRANT_ADVICE);
    if (why !== undefined || (action !== undefined && action.kind !== 'hash')) {
      const said = action === undefined ? 'exclude' : actionText(action);
      return refusal(
        `Key column "${column}" of ${key} has the rule "${said}", which leaves nothing to tell rows apart by.`,
        KEY_ADVICE,
      );
    }
  }
  const { column } = ORDERS_REGION;
  if (region === undefined || !ORDERS_REGION.matches(table.name)) return undefined;
  if (!withheld.has(column) && policies.get(column) === undefined) return undefined;
  return refusal(
    `Column "${column}" of ${key} is under a rule of "columns", so that rows of "region" cannot be told from others.`,
    'Let the column be kept, or set no "region".',
  );
}

const KEY_ADVICE = 'Give it the rule "hash" or "keep", or leave the table out with "table_filters".';
const GRANT_ADVICE = 'Grant it, or leave the table out with "table_filters".';

function refusal(message: string, hint: string): ConnectorError {
  return new ConnectorError(message, { code: 'column_policy', kind: 'source', hint });
}

/** Why a table is not read at all, by the role's privileges or by its rules. `table`: under its rules. */
export function whyNotRead(
  table: TableSchema,
  { unreadable, partlyReadable }: Pick<Catalog, 'unreadable' | 'partlyReadable'>,
  { refused }: AppliedPolicy,
): ConnectorError | undefined {
  const lacking = table.columns.some(({ denied }) => denied === true) ? partlyReadable.get(table.oid) : undefined;
  return unreadable.get(table.oid) ?? lacking ?? refused.get(table.oid);
}

/** What is left out without a rule that says so, in a sentence each. */
export function withheldNotes(
  table: TableSchema,
  { columnsUnlisted }: PolicySettings,
): readonly { readonly level: LogLevel; readonly message: string }[] {
  const names = (why: WithheldColumn['why']): string => listColumns(table, why);
  const notes: { level: LogLevel; message: string }[] = [];
  if (names('unlisted') !== '' && columnsUnlisted === 'fail') {
    const message = `${tableKey(table)} is read without columns that no rule of "columns" names: ${names('unlisted')}; give each a rule.`;
    notes.push({ level: 'warning', message });
  }
  if (names('denied') !== '') {
    const message = `${tableKey(table)} is read without columns that the role may not read: ${names('denied')}`;
    notes.push({ level: 'info', message });
  }
  return notes;
}

export function listColumns({ withheld = [] }: TableSchema, why: WithheldColumn['why']): string {
  return withheld
    .filter((column) => column.why === why)
    .map(({ name }) => name)
    .join(', ');
}

/** A watermark is a value of its column, and is read and kept as it is: only columns that are read so may have one. */
export function inClear({ columns }: TableSchema, candidates: readonly KeyCandidate[]): readonly KeyCandidate[] {
  const clear = new Set(columns.filter(({ policy }) => policy === undefined).map(({ name }) => name));
  return candidates.filter(({ column }) => clear.has(column));
}
