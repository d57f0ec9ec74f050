/** A lake as a destination: the tables are written as into a file, the states stand apart (state-rows). */
import { WarehouseDestination, type WarehouseDestinationOptions } from '../duckdb';
import { LakeStates } from './state-rows';
import { openLake, type LakeOptions } from './warehouse';

export type DuckLakeDestinationOptions = LakeOptions & Omit<WarehouseDestinationOptions, 'open' | 'states'>;

export class DuckLakeDestination extends WarehouseDestination {
  constructor(options: DuckLakeDestinationOptions) {
    super({ ...options, open: () => openLake(options), states: new LakeStates() });
  }

  get halfDone(): ReadonlySet<string> {
    return this.changes.halfDone;
  }
}
