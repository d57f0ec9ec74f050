/**
 * The C++ addon as the rest of the program sees it. Each neighbour of this file answers one question with it, and says what
 * happens without it: `process-stats` (figures of process and host), `process-memory` (how the C library keeps memory),
 * `column-decoder`, `record-encoder` and `latin1-counter` (packed batches), `exit-now`. app, cli, engine, destinations and
 * fivetran may come in. Start here for what native/addon.cc exports.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Latin1Counter } from '../common/count-character';
import type { ColumnDecoder, DecodeColumns } from '../model/column-decoding';
import type { EncodeRecords } from '../model/record-encoding';

/** Exports of native/addon.cc. */
export interface ProcessStatsAddon {
  /** Fills the first `fieldCount` elements; TypeError for anything but a Float64Array that long. */
  readonly sample: (buffer: Float64Array) => void;
  /** Process-wide: sets the path whose file system the disk fields describe. */
  readonly setDiskPath: (path: string) => void;
  /** Process-wide: sets a prefix of /proc and of cgroup mount points, for trees mounted or recorded elsewhere. */
  readonly setRoot: (path: string) => void;
  /** Whole numbers 0 to 255. */
  readonly exitNow: (code: number) => void;
  /**
   * Process-wide, for threads that have not allocated yet; 1 to 1024. Returns false where the C library has no arenas.
   */
  readonly limitMemoryArenas: (count: number) => boolean;
  /**
   * Process-wide: blocks up to `blockBytes` go back to the heap rather than the kernel, and the heap keeps `heapBytes`;
   * 4096 to 2^30 each. Returns false where the C library cannot. Missing in a build of an older version.
   */
  readonly keepFreedMemory?: (blockBytes: number, heapBytes: number) => boolean;
  /** TypeError for arguments of another type. Missing in a build of an older version. */
  readonly countLatin1?: Latin1Counter;
  /** TypeError for arguments of another type. Missing in a build of an older version. */
  readonly encodeRecords?: EncodeRecords;
  /** TypeError for arguments of another type, and for an arena without room. Missing in a build of an older version. */
  readonly decodeVectors?: DecodeColumns;
  /** TypeError for arguments of another type, and for another version of DuckDB. Missing in a build of an older version. */
  readonly registerRows?: ColumnDecoder['registerRows'];
  /** TypeError for arguments of another type. Missing in a build of an older version. */
  readonly fillChunk?: ColumnDecoder['fillChunk'];
  readonly fieldCount: number;
}

/** How many figures `sample` writes: the fields of struct ProcessStats in native/process_stats.h. */
export const FIELD_COUNT = 23;

export type AddonResult =
  | { readonly addon: ProcessStatsAddon; readonly reason?: undefined }
  | { readonly addon?: undefined; readonly reason: string };

/** The path is two levels up from src/native, where tests run, and from dist/native alike. */
export const ADDON_PATH = path.join(__dirname, '..', '..', 'build', 'Release', 'process_stats.node');

const REBUILD = 'install python3, make and a C++ compiler, then run `npm rebuild pgsluice`.';

/** Loads the addon, or says in one sentence why it cannot be used, and what to do. */
export function loadAddon(expectedFields: number = FIELD_COUNT, addonPath: string = ADDON_PATH): AddonResult {
  if (process.env['PGSLUICE_NO_ADDON'] === '1') {
    return { reason: 'The native addon is switched off by PGSLUICE_NO_ADDON=1; unset it for exact figures.' };
  }
  if (!existsSync(addonPath)) return { reason: `The native addon was not built; ${REBUILD}` };
  let loaded: unknown;
  try {
    loaded = createRequire(__filename)(addonPath);
  } catch (error) {
    const detail = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0];
    return { reason: `The native addon cannot be loaded (${detail}); ${REBUILD}` };
  }
  // A build left over from another version would put numbers under the wrong names.
  if (!isAddon(loaded) || loaded.fieldCount !== expectedFields) {
    return { reason: `The native addon belongs to another version of pgsluice; ${REBUILD}` };
  }
  return { addon: loaded };
}

function isAddon(value: unknown): value is ProcessStatsAddon {
  if (typeof value !== 'object' || value === null) return false;
  const candidate = value as Record<string, unknown>;
  return (
    ['sample', 'setDiskPath', 'setRoot', 'exitNow', 'limitMemoryArenas'].every(
      (name) => typeof candidate[name] === 'function',
    ) && typeof candidate['fieldCount'] === 'number'
  );
}
