/** Writes the batches of a pass to the destination: a load gathers beside its table, changes are upserted into it. */
import type { Destination, DestinationTable, FinishedLoad, LoadStamp } from '../../destinations/destination';
import type { PackedBatch } from '../../model/packed-batch';
import type { TableRun } from '../plan';

export interface PassWriting {
  /** Whether rows may travel as digits before the destination has opened the pass, when columns may still change. */
  readonly binaryBeforeBegin: boolean;
  begin(table: DestinationTable, stamp: LoadStamp, resume: boolean): Promise<void>;
  write(table: DestinationTable, batch: PackedBatch): Promise<void>;
  /** Must be called on an open pass before each commit. */
  beforeCommit(table: DestinationTable): Promise<void>;
  finish(table: DestinationTable): Promise<FinishedLoad>;
}

export function passWriting(destination: Destination, run: TableRun): PassWriting {
  return run.readsChanges ? changesWriting(destination) : loadWriting(destination);
}

function loadWriting(destination: Destination): PassWriting {
  return {
    binaryBeforeBegin: true,
    begin: (table, stamp, resume) => destination.beginLoad(table, stamp, resume),
    write: (table, batch) => destination.write(table, batch),
    beforeCommit: () => Promise.resolve(),
    finish: (table) => destination.finishLoad(table),
  };
}

function changesWriting(destination: Destination): PassWriting {
  return {
    binaryBeforeBegin: false,
    begin: (table, stamp) => destination.beginChanges(table, stamp),
    write: (table, batch) => destination.writeChanges(table, batch),
    // What readers must not see yet stays where it waits.
    beforeCommit: (table) => (destination.halfDone === undefined ? destination.applyChanges(table) : Promise.resolve()),
    finish: (table) => destination.finishChanges(table),
  };
}
