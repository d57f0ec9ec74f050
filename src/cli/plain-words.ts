/** Explains the terms of `plan` and `status` in plain words, a line each. */
import type { SyncMode } from '../model/sync-state';

const MODES: Readonly<Record<SyncMode, string>> = {
  full: 'Mode full: every row is read at each sync, unless it is proven that nothing has changed.',
  xmin: 'Mode xmin: a sync reads the rows that were written since the last one, which PostgreSQL marks with a transaction number (xmin).',
  log: "Mode log: a sync reads the rows that the server's write-ahead log names as changed or deleted since the last one.",
  timestamp:
    'Mode timestamp: a sync reads the rows whose update column says that they changed since the last one, through its index.',
};
const PARTS = 'Parts: the pieces that a table is read in, so that several readers share it and a load can be resumed.';
const WATERMARK =
  'Watermark: how far the last sync had come; the next one reads what has this transaction number or time, or a later one.';
const TO_LOAD = 'Still to load: an interrupted load goes on with these ranges of pages, and keeps the rows it has.';

export interface Terms {
  readonly modes: readonly (string | null)[];
  readonly parts?: boolean;
  readonly watermark?: boolean;
  readonly toLoad?: boolean;
}

/** A line of plain words for each term that is shown. */
export function explainTerms({ modes, parts = false, watermark = false, toLoad = false }: Terms): readonly string[] {
  return [
    ...(Object.keys(MODES) as SyncMode[]).filter((mode) => modes.includes(mode)).map((mode) => MODES[mode]),
    ...(parts ? [PARTS] : []),
    ...(watermark ? [WATERMARK] : []),
    ...(toLoad ? [TO_LOAD] : []),
  ];
}
