/** engine/pressure */
export { AdaptiveController, parametersFor, type ParameterOptions } from './adaptive-processing';
export { PressureControl } from './pressure-control';
export { ReaderPool } from './reader-pool';
export { ResourceMonitor, SYNC_CPU_WINDOW_MS, describePressure, type PressureSource } from './resource-monitor';
