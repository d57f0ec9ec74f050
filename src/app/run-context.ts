/** What a caller asks of a sync and lends it, beyond its settings. */
import type { Logger } from '../common/logger';
import type { Destination } from '../destinations/destination';
import type { SyncObserver } from '../model/report';
import type { SourceSelection } from '../model/source-selection';
import type { PressureSource } from '../engine/pressure';
import type { Clock } from '../postgres/connection';

export interface RunContext {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly observer: SyncObserver;
  /** Look for deleted rows in every table that is not read whole. */
  readonly reconcile?: boolean;
  /** Look for deleted rows and nothing else. */
  readonly keysOnly?: boolean;
  /** Replaces the destination that the settings name. */
  readonly destination?: Destination;
  /** Missing: everything that the settings' filters leave. */
  readonly selection?: SourceSelection;
  /** Replaces the machine's own figures, for tests. */
  readonly pressure?: PressureSource;
  readonly clock?: Clock;
  /** To the server, in place of what is measured, for tests. */
  readonly roundTripMs?: number;
  /** Connections to the source at once. Missing: as many as the host can use. */
  readonly maxConnections?: number;
  /** Other processes sync other tables of the same source at the same time, so no file beside the warehouse is written. */
  readonly amongOthers?: boolean;
  /** The process does nothing else, and ends with the sync. */
  readonly ownProcess?: boolean;
}
