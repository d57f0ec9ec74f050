/**
 * Proves tables equal to their sources at the end of a sync (`verify_every`), as `verify` does, within a budget of time.
 *
 *   due, the oldest first ──> compared ──> proven:  its time is remembered
 *                                     ├──> unclear: it was written meanwhile; the next sync tries again
 *                                     └──> differs: the table fails, and its next sync loads it in full
 */
import { counted } from '../../common/counted';
import { asConnectorError, ConnectorError, endsRun, errorFields, interrupted } from '../../common/errors';
import type { Settings } from '../../config/settings';
import type { Destination } from '../../destinations/destination';
import type { TableReport } from '../../model/report';
import type { ProofMark, TableState } from '../../model/sync-state';
import { monotonicClock } from '../../postgres/connection';
import type { TableRun } from '../../engine/plan';
import { judgeComparison } from '../../engine/verify';
import { compareTable, type ComparedTable, type Comparison, type TableComparer } from '../compare-table';
import type { OpenSync } from '../open-sync';
import type { RunContext } from '../run-context';
import { StateCopy } from '../state-copy';
import { dueProofs } from './due-proofs';
import { describeDifference } from './describe-difference';

export interface ProofParts {
  readonly settings: Settings;
  readonly context: RunContext;
  readonly opened: Pick<OpenSync, 'manager' | 'destination' | 'states' | 'module' | 'findings'>;
  readonly runs: readonly TableRun[];
}

/** The reports of the sync, with the errors of tables that differ. */
export async function proveTables(parts: ProofParts, reports: readonly TableReport[]): Promise<readonly TableReport[]> {
  const { settings, context, opened } = parts;
  const { verifyEverySeconds, verifyBudgetSeconds } = settings;
  const { storedTables } = opened.destination;
  if (verifyEverySeconds === undefined || storedTables === undefined || context.keysOnly === true) return reports;
  const { logger, observer, signal, clock = monotonicClock } = context;
  const started = clock();
  const synced = new Set(reports.filter(({ error }) => error === undefined).map(({ key }) => key));
  for (const { key, committed } of parts.runs) observer.tableProven?.(key, committed?.proof?.provenAt ?? null);
  const due = dueProofs(
    parts.runs.filter(({ key }) => synced.has(key)),
    verifyEverySeconds,
    Date.now(),
  );
  const failures = new Map<string, ConnectorError>();
  const prover = new Prover(parts, storedTables);
  const interrupt = (): void => storedTables.interrupt();
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    for (const [index, run] of due.entries()) {
      if (index > 0 && clock() - started >= verifyBudgetSeconds * 1000) {
        logger.info(
          `Proofs left to the next syncs, since "verify_budget_seconds" is spent: ${counted(due.length - index, 'table')}`,
        );
        break;
      }
      const failure = await prover.prove(run);
      if (failure !== undefined) failures.set(run.key, failure);
    }
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
  return reports.map((report) => {
    const error = failures.get(report.key);
    if (error === undefined) return report;
    const failed = { ...report, error };
    observer.proofFailed?.(failed);
    return failed;
  });
}

class Prover {
  private readonly comparer: TableComparer;

  constructor(
    private readonly parts: ProofParts,
    warehouse: NonNullable<Destination['storedTables']>,
  ) {
    const { settings, context, opened } = parts;
    this.comparer = {
      settings,
      manager: opened.manager,
      warehouse,
      module: opened.module,
      server: opened.findings.catalog.server,
      // Only this table is compared now, and nothing is written.
      exclusively: (action) => action(),
      show: 0,
      sample: 1,
      random: Math.random,
      signal: context.signal,
    };
  }

  /** The error of a table that differs. Rejects where the sync as a whole cannot go on. */
  async prove(run: TableRun): Promise<ConnectorError | undefined> {
    const { logger, observer, signal } = this.parts.context;
    const { key, committed } = run;
    if (committed === null) return undefined;
    const triedAt = new Date().toISOString();
    const provenAt = committed.proof?.provenAt ?? null;
    let compared: ComparedTable;
    try {
      compared = await compareTable(this.comparer, run.planned, run.destinationTable.name, committed);
    } catch (thrown) {
      if (signal.aborted) throw interrupted('The sync was interrupted during a proof; all of its rows are kept.');
      const error = asConnectorError(thrown);
      if (endsRun(error)) throw error;
      const fields = { table: key, ...errorFields(error) };
      logger.warning(`${key} could not be proven, the next sync tries again: ${error.describe()}`, fields);
      await this.remember(run, committed, { provenAt, triedAt });
      return error.ofTable ? error : undefined;
    }
    if (signal.aborted) throw interrupted('The sync was interrupted during a proof; all of its rows are kept.');
    const { comparison, newer } = compared;
    switch (judgeComparison(comparison, newer, committed.rows)) {
      case 'proven':
        logger.info(`Proven equal to its source: ${key}, ${counted(comparison.warehouseRows ?? 0, 'row')}`, {
          table: key,
          rows: comparison.warehouseRows ?? 0,
        });
        await this.remember(run, committed, { provenAt: triedAt, triedAt });
        observer.tableProven?.(key, triedAt);
        return undefined;
      case 'unclear':
        logger.info(
          `${key} was not proven, since its source may have been written meanwhile; the next sync tries again`,
          {
            table: key,
          },
        );
        await this.remember(run, committed, { provenAt, triedAt });
        return undefined;
      case 'differs': {
        const error = differs(key, comparison);
        logger.severe(error.describe(), { table: key, ...errorFields(error) });
        await this.remember(run, committed, { provenAt: null, triedAt, differs: true });
        observer.tableProven?.(key, null);
        return error;
      }
    }
  }

  /** Committed at once: a proof that was made is not made again after an interruption. */
  private async remember(run: TableRun, committed: TableState, proof: ProofMark): Promise<void> {
    const { opened, settings } = this.parts;
    const { destination, states } = opened;
    const state = { ...committed, proof };
    await destination.putState(run.key, state);
    await destination.commit();
    run.committedAs(state);
    states.set(run.key, state);
    const copy = new StateCopy(settings);
    copy.committed(states);
    copy.flush();
  }
}

function differs(key: string, comparison: Comparison): ConnectorError {
  return new ConnectorError(`${key} differs from its source in the warehouse: ${describeDifference(comparison)}.`, {
    code: 'proof_failed',
    kind: 'source',
    hint: 'Its next sync loads it in full; find out what else writes to the warehouse.',
  });
}
