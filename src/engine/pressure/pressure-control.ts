/** Samples pressure at every batch, and decides the size of the next one. */
import type { Logger } from '../../common/logger';
import type { SyncObserver } from '../../model/report';
import type { PlannedTable } from '../../model/plan';
import { AdaptiveController } from './adaptive-processing';
import { describePressure, pressureFields, type PressureSource } from './resource-monitor';

export interface PressureControlOptions {
  readonly source: PressureSource;
  readonly logger: Logger;
  readonly observer: SyncObserver;
  readonly clock: () => number;
}

export class PressureControl {
  private readonly controller: AdaptiveController;
  private readonly unfinished = new Map<number, PlannedTable>();
  private headThreads: number;
  /** Called when more readers may be allowed than before. */
  onChange: () => void = () => undefined;

  constructor(
    private readonly options: PressureControlOptions,
    /** In the order of the plan. */
    tables: readonly { readonly position: number; readonly planned: PlannedTable }[],
  ) {
    for (const { position, planned } of tables) this.unfinished.set(position, planned);
    const head = tables[0]?.planned;
    this.headThreads = head?.threads ?? 1;
    this.controller = new AdaptiveController({ batchRows: head?.batchRows ?? 1, threads: this.headThreads });
  }

  /** Rows of a table's next batch. */
  batchRows(table: PlannedTable): number {
    const pressure = this.options.source.read();
    const notices = this.controller.update(pressure, this.options.clock());
    for (const notice of notices) this.options.logger[notice.level](notice.message, notice.fields);
    if (notices.length > 0) this.onChange();
    const rows = this.controller.batchRows(table.batchRows);
    this.options.observer.sampled?.(pressure, rows, this.readers(), table.batchRows);
    return rows;
  }

  /** Readers that may run at once: those of the table at the head, less the ones that CPU pressure takes. */
  readers(): number {
    return this.controller.readers(this.headThreads);
  }

  /** The share of the queue of waiting batches that memory pressure leaves. */
  get queueShare(): number {
    return this.controller.memoryShare;
  }

  tableDone(position: number): void {
    this.unfinished.delete(position);
    const head = this.unfinished.values().next().value;
    if (head === undefined) return;
    this.headThreads = head.threads;
    this.controller.setBase({ batchRows: head.batchRows, threads: head.threads });
    this.onChange();
  }

  logStatus(): void {
    const pressure = this.options.source.read();
    this.options.logger.info(describePressure(pressure), pressureFields(pressure));
  }
}
