/**
 * What a state says about the rows in the destination, where the destination drops them when a load begins
 * (`Destination.loadsInPlace`). From that moment on, a state that says "complete as of then" would be wrong.
 */
import { ConnectorError } from '../../common/errors';
import type { TableState } from '../../model/sync-state';

/** Whether a pass would build on rows that the destination has already. */
export function claimsRows(state: TableState | null | undefined): state is TableState {
  return state !== null && state !== undefined && (state.lastSyncedAt !== null || state.load !== null);
}

/** The table is known, but none of its rows count: the next pass is a load from the start. */
export function withoutRows(state: TableState): TableState {
  return { ...state, lastSyncedAt: null, load: null };
}

const LOAD_ANEW = 'load_anew';

/** The error with which a destination rejects a batch when the table must be loaded from the start in another form. */
export function loadAnew(message: string): ConnectorError {
  return new ConnectorError(message, { code: LOAD_ANEW, kind: 'source', retryable: true });
}

export function asksForLoadAnew(error: ConnectorError): boolean {
  return error.code === LOAD_ANEW;
}
