/**
 * What a state says of the rows that a destination holds, where the destination gives them up when a load begins
 * (`Destination.loadsInPlace`): from that moment on, a state that says "complete as of then" would be a lie.
 */
import { ConnectorError } from '../../common/errors';
import type { TableState } from '../../model/sync-state';

/** Whether a pass would build on rows that are there already. */
export function claimsRows(state: TableState | null | undefined): state is TableState {
  return state !== null && state !== undefined && (state.lastSyncedAt !== null || state.load !== null);
}

/** The table is known, and nothing of its rows counts: the next pass is a load from the start. */
export function withoutRows(state: TableState): TableState {
  return { ...state, lastSyncedAt: null, load: null };
}

const LOAD_ANEW = 'load_anew';

/** What a destination rejects a batch with when the table must be loaded from the start in another form. */
export function loadAnew(message: string): ConnectorError {
  return new ConnectorError(message, { code: LOAD_ANEW, kind: 'source', retryable: true });
}

export function asksForLoadAnew(error: ConnectorError): boolean {
  return error.code === LOAD_ANEW;
}
