import type { Settings } from '../config/settings';
import { diskOf, placeOf } from '../destinations/place';

/** Where the rows of a sync go, as people call it; undefined where they go nowhere. */
export function placeOfRows(settings: Settings): string | undefined {
  return placeOf(settings);
}

/** A path on the disk that a sync fills. */
export function diskOfRows(settings: Settings): string {
  return diskOf(settings);
}
