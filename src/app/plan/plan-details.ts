/**
 * What a sync would do now, table by table, without reading a row.
 *
 * The neighbours add what a reader of a plan asks next: `plan-estimates` the time, `plan-advice` what to change,
 * `mode-groups` the reasons, and `explain-table` the statements that would be sent. Only `pgsluice plan` comes in.
 */
import type { ConnectorError } from '../../common/errors';
import { asConnectorError } from '../../common/errors';
import type { Logger } from '../../common/logger';
import type { Settings } from '../../config/settings';
import { readContents } from '../../destinations/registry';
import type { RunRecord } from '../../model/run-record';
import type { LogPosition, TableState } from '../../model/sync-state';
import { blockRange } from '../../model/tid-range';
import { partitionBytes, planPartitions, singleStatementRelation, type TableRun } from '../../engine/plan';
import { decideRuns, discoverAndPlan, withSource } from '../pipeline';
import { columnDetails } from './column-details';
import { planAdvice } from './plan-advice';
import { estimateRun, estimateTables } from './plan-estimates';
import type { PassKind, TableDetails } from './table-details';

export interface PlanDetails {
  readonly server: string;
  readonly tables: readonly TableDetails[];
  /** By table: why it would be left out. */
  readonly refused: ReadonlyMap<string, ConnectorError>;
  /** Null where no earlier run gives an estimate. */
  readonly estimatedSeconds: number | null;
  /** Why state and history could not be read. */
  readonly warehouseProblem: string | null;
  /** What the user could change, and what that would bring. */
  readonly advice: readonly string[];
  /** For the statements of one table. */
  readonly runs: readonly TableRun[];
}

/** Statements round a pass's batches: begin, snapshot, savepoint, sizes, commit. */
const FRAME_STATEMENTS = 5;
/** The most blocks of one statement over changes (postgres/read/batch-sizer). */
const MAX_BATCH_BLOCKS = 4096;
const HISTORY = 20;

export async function planInDetail(settings: Settings, logger: Logger, signal: AbortSignal): Promise<PlanDetails> {
  const { states, history, logPosition, problem } = await lookIntoWarehouse(settings);
  return await withSource(settings, logger, 1, async (manager) => {
    const reader = { manager, settings, logger, signal };
    const { runs, leftOut } = decideRuns(await discoverAndPlan(reader), states, reader, { logPosition });
    const tables = estimateTables(
      runs.map((run) => describeRun(run, settings)),
      history,
    );
    return {
      server: `${settings.host ?? settings.dsn ?? ''}${settings.database === undefined ? '' : `/${settings.database}`}`,
      tables,
      refused: leftOut,
      estimatedSeconds: estimateRun(tables, history),
      warehouseProblem: problem,
      advice: planAdvice(tables, settings),
      runs,
    };
  });
}

/** A plan must be possible while a sync runs, and with a broken warehouse. */
async function lookIntoWarehouse(settings: Settings): Promise<{
  readonly states: ReadonlyMap<string, TableState>;
  readonly history: readonly RunRecord[];
  readonly logPosition: LogPosition | undefined;
  readonly problem: string | null;
}> {
  try {
    const contents = await readContents(settings, HISTORY);
    return {
      states: contents?.states ?? new Map<string, TableState>(),
      history: contents?.runs ?? [],
      logPosition: contents?.logPosition,
      problem: null,
    };
  } catch (error) {
    return {
      states: new Map<string, TableState>(),
      history: [],
      logPosition: undefined,
      problem: asConnectorError(error).describe(),
    };
  }
}

function describeRun(run: TableRun, settings: Settings): Omit<TableDetails, 'estimatedSeconds'> {
  const { planned } = run;
  const { table } = planned;
  return {
    table: run.key,
    destinationTable: run.destinationTable.name,
    category: planned.category,
    estimatedRows: table.estimatedRows,
    bytes: table.bytes,
    primaryKey: table.primaryKey,
    columnRules: columnDetails(table),
    mode: planned.mode,
    reason: planned.modeReason,
    pass: passOf(run),
    replicationKey: planned.replicationKey,
    untrustedKey: planned.mode === 'xmin' ? (planned.untrustedKey ?? null) : null,
    readMethod: planned.readMethod,
    batchRows: planned.batchRows,
    threads: planned.threads,
    partitions: countPartitions(run, settings),
    statements: countStatements(run, settings),
  };
}

export function passOf(run: TableRun): PassKind {
  if (!run.readsChanges) return run.progress === null ? 'load' : 'resume';
  return run.pass.kind === 'keys-only' ? 'keys' : 'changes';
}

/** Ranges still to be read, by relation: all of a load's blocks, or what an earlier one left. */
function countPartitions(run: TableRun, settings: Settings): number {
  const { planned, progress } = run;
  const size = { rows: planned.partitionRows, bytes: partitionBytes(settings.batchBytes) };
  const pending = new Map((progress?.relations ?? []).map((relation) => [relation.oid, relation.pending]));
  return planned.table.relations.reduce((sum, relation) => {
    if (!relation.rangeReadable) return sum + 1;
    const ranges = pending.get(relation.oid) ?? [blockRange(0, relation.blocks)];
    return sum + planPartitions(relation, ranges, size).length;
  }, 0);
}

function countStatements(run: TableRun, settings: Settings): number {
  const { planned } = run;
  const { relations, estimatedRows, bytes } = planned.table;
  const bytesPerRow = Math.max(1, bytes / Math.max(estimatedRows, 1));
  const rowsPerBatch = Math.max(1, Math.min(planned.batchRows, settings.batchBytes / bytesPerRow));
  const batches = Math.max(1, Math.ceil(estimatedRows / rowsPerBatch));
  const { pass } = run;
  // A question and an answer, as far as can be known: the log is not read for a plan.
  if (pass.kind === 'by-log') return FRAME_STATEMENTS + 2;
  if (pass.kind === 'keys-only') return FRAME_STATEMENTS + batches;
  if (pass.kind !== 'full-load') {
    const scans = relations.reduce((sum, relation) => sum + Math.ceil(relation.blocks / MAX_BATCH_BLOCKS), 0);
    const reading = pass.kind === 'by-timestamp' ? 1 : Math.max(1, scans);
    return FRAME_STATEMENTS + reading + (pass.proof === 'keys' ? batches : 0);
  }
  if (singleStatementRelation(run, settings.batchBytes) !== undefined) return 1;
  return FRAME_STATEMENTS + batches;
}
