/**
 * Decides what is read, and how: the mode of each table, its category and partitions, and what its state of the last sync
 * means now. It reads no row. The rooms write, passes and verify, and app and fivetran, may come in. Start at
 * table-analysis.ts for the plan, sync-modes.ts for modes, table-run.ts for a table's progress.
 */
export { asksForLoadAnew, claimsRows, loadAnew, withoutRows } from './load-claims';
export { knownUntil, logReach, type LoggedAs, type LogOutlook } from './log-outlook';
export { describeTables } from './metadata-tables';
export { isPartitioned, partitionBytes, planPartitions, type Partition, type PartitionSize } from './partition-planner';
export { otherRules, shapeOf } from './schema-drift';
export { unseenFrom, xidsComparable, type PassPlan } from './pass-plan';
export { decideMode, type ModeSetting } from './sync-modes';
export { createPlan, describePlan } from './table-analysis';
export type { TableRun } from './table-run';
export { createRuns, type RunsOptions } from './table-runs';
export { singleStatementRelation } from './single-statement';
