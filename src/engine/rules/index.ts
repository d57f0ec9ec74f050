/**
 * Applies users' rules and the built-in one: which columns are read as what, which rows are left out, and JavaScript over
 * batches. It uses postgres and no other room of the engine; all of them, and app, may come in. Start at rule-types.ts for
 * what a rule is, transformations.ts for how it is applied on the server, batch-rules.ts for JavaScript.
 */
export { applyBatchRules } from './batch-rules';
export {
  BUILT_IN_TRANSFORMATIONS,
  ORDERS_REGION,
  applyTransformations,
  describeForRules,
  type TableSelection,
} from './transformations';
export { loadTransformationModule } from './transformation-module';
export type { Transformation, TransformationModule } from './rule-types';
