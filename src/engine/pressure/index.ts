/**
 * Watches memory and CPU, and shrinks batches and the number of readers before either runs out. It uses no other room of the
 * engine; plan, write, passes and verify, and app and cli, may come in. Start at adaptive-processing.ts for the
 * sizes and limits, resource-monitor.ts for what is measured, reader-pool.ts for who may read.
 */
export { distanceFrom, isFar, worthALogin } from './distance';
export { AdaptiveController, parametersFor, type ParameterOptions } from './adaptive-processing';
export { PressureControl } from './pressure-control';
export { ReaderPool } from './reader-pool';
export { ResourceMonitor, SYNC_CPU_WINDOW_MS, describePressure, type PressureSource } from './resource-monitor';
