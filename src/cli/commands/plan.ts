import { explainTable } from '../../app/plan/explain-table';
import { placeOfRows } from '../../app/place-of-rows';
import { columnsText } from '../../app/plan/column-details';
import { groupByMode, listTables } from '../../app/plan/mode-groups';
import { planInDetail, type PlanDetails } from '../../app/plan/plan-details';
import type { TableDetails } from '../../app/plan/table-details';
import { ConnectorError } from '../../common/errors';
import { nearest } from '../../config/nearest';
import type { Settings } from '../../config/settings';
import type { TableRun } from '../../engine/plan';
import type { Command } from '../command';
import { EXIT } from '../exit-codes';
import { printJson, wantsJson } from '../json-document';
import { explainTerms } from '../plain-words';
import { renderRecords, wrap } from '../render-records';
import { formatDuration } from '../text-time';
import { formatBytes, formatCounted, formatInteger } from '../text-width';

/** Connects and shows what a sync would do. It reads no table, and only looks into the warehouse. */
export const plan: Command = async (context) => {
  const { settings, output, signal, io } = context;
  // A sync's progress lines are no part of a plan.
  const logger = { ...output.logger, info: (message: string) => output.logger.debug(message) };
  const details = await planInDetail(settings, logger, signal);
  const asked = context.switches['explain'];
  const width = io.stdout.isTTY === true ? io.stdout.columns : undefined;
  if (asked !== undefined) {
    const run = findTable(asked, details.runs);
    const statements = explainTable(run, settings);
    if (wantsJson(context)) printJson(context, { table: run.key, statements });
    else output.print(statements.flatMap(({ purpose, sql }) => ['', ...wrap(`-- ${purpose}`, width), `${sql};`]));
    return EXIT.ok;
  }
  if (wantsJson(context)) printJson(context, planDocument(details));
  else output.print(renderPlanDetails(details, settings, width));
  return EXIT.ok;
};

/** By `schema.table`, or by the name alone where only one table has it. */
function findTable(asked: string, runs: readonly TableRun[]): TableRun {
  const exact = runs.find((run) => run.key === asked);
  const named = runs.filter(({ planned }) => planned.table.name === asked);
  const found = exact ?? (named.length === 1 ? named[0] : undefined);
  if (found !== undefined) return found;
  if (named.length > 1) {
    throw new ConnectorError(`Several tables are called "${asked}": ${named.map(({ key }) => key).join(', ')}.`, {
      code: 'table_ambiguous',
      kind: 'configuration',
      hint: 'Name one of them with its schema.',
    });
  }
  const meant = nearest(asked, [...runs.map((run) => run.key), ...runs.map(({ planned }) => planned.table.name)]);
  throw new ConnectorError(
    `No table "${asked}" would be synced${meant === undefined ? '.' : `; did you mean ${meant}?`}`,
    {
      code: 'table_unknown',
      kind: 'configuration',
      hint: 'Run `pgsluice plan` to see them all.',
    },
  );
}

function planDocument(details: PlanDetails): Record<string, unknown> {
  return {
    server: details.server,
    tables: details.tables,
    refused: [...details.refused].map(([table, error]) => ({
      table,
      message: error.message,
      advice: error.hint ?? null,
    })),
    rows: total(details, ({ estimatedRows }) => estimatedRows),
    bytes: total(details, ({ bytes }) => bytes),
    estimatedSeconds: details.estimatedSeconds,
    warehouseProblem: details.warehouseProblem,
    advice: details.advice,
  };
}

const PASSES: Readonly<Record<TableDetails['pass'], string>> = {
  load: 'all rows',
  resume: 'the rest',
  changes: 'changes',
  keys: 'keys',
};

function renderPlanDetails(details: PlanDetails, settings: Settings, width: number | undefined): readonly string[] {
  const rows = details.tables.map((table) => [
    table.table,
    table.category,
    formatInteger(table.estimatedRows),
    formatBytes(table.bytes),
    table.mode,
    PASSES[table.pass],
    table.readMethod,
    formatInteger(table.partitions),
    formatInteger(table.batchRows),
    String(table.threads),
    formatInteger(table.statements),
    table.estimatedSeconds === null ? '–' : formatDuration(table.estimatedSeconds),
  ]);
  const header = [
    'Table',
    'Category',
    'Rows',
    'Size',
    'Mode',
    'Reads',
    'By',
    'Parts',
    'Batch',
    'Threads',
    'Statements',
    'Time',
  ];
  const right = ['Rows', 'Size', 'Parts', 'Batch', 'Threads', 'Statements', 'Time'];
  const optional = ['By', 'Batch', 'Parts', 'Threads', 'Statements', 'Category'];
  const refused = [...details.refused].flatMap(([key, error]) => wrap(`LEFT OUT ${key}: ${error.describe()}`, width));
  const problem = details.warehouseProblem;
  const table =
    rows.length === 0 ? ['There is no table to sync.'] : renderRecords(header, rows, { right, optional, width });
  return [
    '',
    ...table,
    ...refused,
    '',
    ...wrap(summary(details, settings), width),
    ...[...reasons(details), ...columnRules(details), ...details.advice].flatMap((line) => wrap(line, width)),
    ...terms(details, table).flatMap((line) => wrap(line, width)),
    ...(problem === null ? [] : wrap(`The last state is not known, so all rows are planned: ${problem}`, width)),
  ];
}

function summary(details: PlanDetails, settings: Settings): string {
  const rows = formatCounted(
    total(details, ({ estimatedRows }) => estimatedRows),
    'row',
  );
  const size = formatBytes(total(details, ({ bytes }) => bytes));
  const statements = formatCounted(
    total(details, (table) => table.statements),
    'statement',
  );
  const time = timeText(details);
  const into = placeOfRows(settings) ?? 'nowhere';
  return `${formatCounted(details.tables.length, 'table')} of about ${rows}, ${size}; about ${statements}, into ${into}; ${time}.`;
}

function timeText({ tables, estimatedSeconds }: PlanDetails): string {
  if (estimatedSeconds === null) return 'no earlier run to tell the time by';
  const unknown = tables.filter((table) => table.estimatedSeconds === null).length;
  const without = unknown === 0 ? '' : `, without ${unknown} that no run has read like this`;
  return `about ${formatDuration(estimatedSeconds)}, by the last runs${without}`;
}

function reasons(details: PlanDetails): readonly string[] {
  return groupByMode(details.tables).map(({ mode, reason, tables }) => `${mode}, ${reason}: ${listTables(tables)}`);
}

function columnRules({ tables }: PlanDetails): readonly string[] {
  return tables
    .filter((table) => table.columnRules.length > 0)
    .map((table) => `columns of ${table.table}: ${columnsText(table.columnRules)}; all others as they are`);
}

/** Explains what the table shows: a narrow terminal leaves columns out. */
function terms({ tables }: PlanDetails, table: readonly string[]): readonly string[] {
  const words = explainTerms({
    modes: tables.map(({ mode }) => mode),
    parts: tables.some(({ partitions }) => partitions > 1) && table.some((line) => line.includes('Parts')),
  });
  return words.length === 0 ? [] : ['', ...words];
}

function total(details: PlanDetails, of: (table: TableDetails) => number): number {
  return details.tables.reduce((sum, table) => sum + of(table), 0);
}
