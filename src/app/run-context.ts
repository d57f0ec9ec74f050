/** What a sync is asked for, and what it is lent, beyond its settings. */
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
  /** Nothing else than that. */
  readonly keysOnly?: boolean;
  /** In place of the one that the settings name. */
  readonly destination?: Destination;
  /** Without it, everything that the settings' filters leave. */
  readonly selection?: SourceSelection;
  /** In place of the machine's own, for tests. */
  readonly pressure?: PressureSource;
  readonly clock?: Clock;
  /** To the server, in place of what is measured, for tests. */
  readonly roundTripMs?: number;
  /** The process does nothing else, and ends with the sync. */
  readonly ownProcess?: boolean;
}
