/** engine/rules */
export { applyBatchRules } from './batch-rules';
export {
  BUILT_IN_TRANSFORMATIONS,
  applyTransformations,
  describeForRules,
  loadTransformationModule,
  type TableSelection,
  type Transformation,
  type TransformationModule,
} from './transformations';
