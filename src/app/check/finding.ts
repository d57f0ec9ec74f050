/** The result of one check before a sync. */
export type FindingStatus = 'ok' | 'warning' | 'failure';

export interface Finding {
  /** The subject of the check, in a word or two. */
  readonly item: string;
  readonly status: FindingStatus;
  /** What was found. */
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string;
  /** All the names it concerns, where the message has only some. */
  readonly tables?: readonly string[];
  /** The sync cannot reach the server or log in. */
  readonly blocksConnection?: true;
}

export function ok(item: string, message: string): Finding {
  return { item, status: 'ok', message };
}

export function warning(item: string, message: string, advice: string): Finding {
  return { item, status: 'warning', message, advice };
}

export function failure(item: string, message: string, advice?: string): Finding {
  return { item, status: 'failure', message, ...(advice === undefined ? {} : { advice }) };
}

export function noConnection(item: string, message: string, advice?: string): Finding {
  return { ...failure(item, message, advice), blocksConnection: true };
}
