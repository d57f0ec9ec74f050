/** engine/rules */
export { applyBatchRules } from './batch-rules';
export {
  BUILT_IN_TRANSFORMATIONS,
  applyTransformations,
  describeForRules,
  type TableSelection,
} from './transformations';
export { loadTransformationModule } from './transformation-module';
export type { Transformation, TransformationModule } from './rule-types';
