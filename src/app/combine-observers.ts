import type { SyncObserver } from '../model/report';

/** Makes one observer that calls several. */
export function combineObservers(...observers: readonly SyncObserver[]): SyncObserver {
  return {
    connected: (...event) => observers.forEach((observer) => observer.connected?.(...event)),
    planned: (...event) => observers.forEach((observer) => observer.planned?.(...event)),
    slotSeen: (...event) => observers.forEach((observer) => observer.slotSeen?.(...event)),
    tableStarted: (...event) => observers.forEach((observer) => observer.tableStarted?.(...event)),
    statement: (...event) => observers.forEach((observer) => observer.statement?.(...event)),
    rowsWritten: (...event) => observers.forEach((observer) => observer.rowsWritten?.(...event)),
    checkpoint: (...event) => observers.forEach((observer) => observer.checkpoint?.(...event)),
    tableResumed: (...event) => observers.forEach((observer) => observer.tableResumed?.(...event)),
    tableRead: (...event) => observers.forEach((observer) => observer.tableRead?.(...event)),
    tableFinished: (...event) => observers.forEach((observer) => observer.tableFinished?.(...event)),
    tableLeftOut: (...event) => observers.forEach((observer) => observer.tableLeftOut?.(...event)),
    tableProven: (...event) => observers.forEach((observer) => observer.tableProven?.(...event)),
    proofFailed: (...event) => observers.forEach((observer) => observer.proofFailed?.(...event)),
    retry: (...event) => observers.forEach((observer) => observer.retry?.(...event)),
    sampled: (...event) => observers.forEach((observer) => observer.sampled?.(...event)),
  };
}
