/** engine/plan */
export { asksForLoadAnew, claimsRows, loadAnew, withoutRows } from './load-claims';
export { describeTables } from './metadata-tables';
export { isPartitioned, partitionBytes, planPartitions, type Partition, type PartitionSize } from './partition-planner';
export { shapeOf } from './schema-drift';
export { xidsComparable, type PassPlan } from './pass-plan';
export { decideMode } from './sync-modes';
export { createPlan, describePlan } from './table-analysis';
export type { TableRun } from './table-run';
export { createRuns, type RunsOptions } from './table-runs';
export { singleStatementRelation } from './single-statement';
