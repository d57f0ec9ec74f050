/** DuckDB's errors as sentences: what happened to the warehouse file, and what to do. */
import { closeSync, openSync, readSync } from 'node:fs';
import { ConnectorError } from '../../common/errors';
import { duckdb } from './library';

export function openError(error: unknown, path: string): ConnectorError {
  const text = messageOf(error);
  if (DISK_FULL.test(text)) return diskFull(error, path);
  const holder = /PID (\d+)/.exec(text)?.[1];
  if (/Could not set lock|Conflicting lock|being used by another process/i.test(text)) {
    return destinationError(
      `The warehouse ${path} is open in another process${holder === undefined ? '' : ` (PID ${holder})`}.`,
      'warehouse_locked',
      {
        cause: error,
        hint: 'Wait until it ends or close it there: one process at a time may open a warehouse.',
      },
    );
  }
  if (/not a valid DuckDB database file|not a database|magic bytes/i.test(text)) {
    return destinationError(`The file ${path} is not a DuckDB database.`, 'not_a_warehouse', {
      cause: error,
      hint: 'Name another file with "warehouse_path", or move this one away.',
    });
  }
  if (/replaying WAL/i.test(text)) {
    return destinationError(`The log of warehouse ${path} cannot be replayed: ${firstLine(text)}.`, 'warehouse_log', {
      cause: error,
      hint: 'Keep both files, and let another "warehouse_path" have a new copy of everything.',
    });
  }
  if (/version number|newer version|older version/i.test(text)) return otherVersion(error, text, path);
  if (/permission denied|EACCES|EROFS|Cannot open file/i.test(text)) {
    return destinationError(`The warehouse ${path} cannot be opened: ${firstLine(text)}.`, 'warehouse_unavailable', {
      cause: error,
      hint: 'Check the permissions of the file and its folder.',
    });
  }
  return destinationError(`The warehouse ${path} cannot be opened: ${firstLine(text)}.`, 'warehouse_unavailable', {
    cause: error,
    hint: 'Check "warehouse_path".',
  });
}

function otherVersion(error: unknown, text: string, path: string): ConnectorError {
  const ours = duckdb().version();
  // DuckDB names the versions only where the file is older.
  const older = /created with DuckDB version (.+?)\.?$/m.exec(text)?.[1];
  if (older !== undefined) {
    const hint = `Name another file with "warehouse_path", or bring this one over with EXPORT DATABASE and IMPORT DATABASE.`;
    return destinationError(
      `The warehouse ${path} was made by DuckDB ${older}; DuckDB ${ours}, which is in use here, no longer reads it.`,
      'warehouse_version',
      { cause: error, hint },
    );
  }
  const newer = writerOf(path) ?? 'of a newer version';
  return destinationError(
    `The warehouse ${path} was written by DuckDB ${newer}, in a form that DuckDB ${ours}, which is in use here, cannot read.`,
    'warehouse_version',
    {
      cause: error,
      hint:
        'Name another file with "warehouse_path", or copy this one there with the newer DuckDB: ' +
        `ATTACH 'old.db' AS old; ATTACH 'new.db' AS new (STORAGE_VERSION 'v1.5.0'); COPY FROM DATABASE old TO new.`,
    },
  );
}

/** In the main header of a file, behind 8 bytes of checksum, DUCK, the version of the format, and 32 bytes of flags. */
const WRITER_OFFSET = 52;
const WRITER_BYTES = 32;

/** The DuckDB that wrote the main header of a file, as `v2.0.1`; undefined where the file does not say so. */
function writerOf(path: string): string | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      const name = Buffer.alloc(WRITER_BYTES);
      readSync(file, name, 0, WRITER_BYTES, WRITER_OFFSET);
      return /^v\d+\.\d+\.\d+(?:-\w+)?(?=\0)/.exec(name.toString('latin1'))?.[0];
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

const DISK_FULL = /No space left|disk full|not enough space|ENOSPC|EFBIG|File too large|could not write all bytes/i;

export function isDiskFull(text: string): boolean {
  return DISK_FULL.test(text);
}

export function diskFull(error: unknown, path: string): ConnectorError {
  return destinationError(`The disk is full: ${path} cannot grow.`, 'disk_full', {
    cause: error,
    hint: 'Free some space and run the sync again; what was committed is kept.',
  });
}

/** Errors of one table alone: users have altered it, or taken its name. */
const TABLE_REFUSED =
  /^(Catalog|Binder|Dependency|Not implemented) Error|^TransactionContext Error: Cannot create index/;

/** A value or a row that does not fit is the table's fault; everything else stops the run. */
export function writeError(error: unknown, path: string): ConnectorError {
  const text = messageOf(error);
  if (DISK_FULL.test(text)) return diskFull(error, path);
  if (/^(Conversion|Out of Range|Invalid Input|Constraint|Mismatch Type)/i.test(text)) {
    return new ConnectorError(`A value does not fit the warehouse: ${withoutValues(text)}.`, {
      code: 'value_does_not_fit',
      kind: 'source',
      cause: error,
    });
  }
  if (TABLE_REFUSED.test(text)) {
    return new ConnectorError(`The warehouse refuses a change of the table: ${withoutValues(text)}.`, {
      code: 'warehouse_refused',
      kind: 'source',
      cause: error,
      hint: 'What somebody made there may stand in the way, such as a foreign key; drop it and sync again.',
    });
  }
  // A commit that a constraint forbids quotes a value as well.
  const reason = /constraint/i.test(text) ? withoutValues(text) : firstLine(text);
  return destinationError(`Writing ${path} failed: ${reason}.`, 'warehouse_write', { cause: error });
}

export function destinationError(
  message: string,
  code: string,
  more: { cause?: unknown; hint?: string },
): ConnectorError {
  return new ConnectorError(message, { code, kind: 'destination', ...more });
}

export function messageOf(error: unknown): string {
  // instanceof would not do: an error of another realm (a test runner's) counts as well.
  const { message } = error as { readonly message?: unknown };
  // DuckDB gives no class to errors of appended rows.
  return (typeof message === 'string' ? message : String(error)).replace(
    /^Failed to append: (?=.*constraint failed)/,
    'Constraint Error: ',
  );
}

function firstLine(text: string): string {
  // The first line without DuckDB's name for its class, such as `IO Error: `.
  return (text.split('\n')[0] ?? '').replace(/^(?:\w+ )+Error: /, '').replace(/\.$/, '');
}

/** DuckDB quotes the offending value; data does not belong into logs. */
function withoutValues(text: string): string {
  return firstLine(text).replace(/(["']).*\1/g, '"…"');
}
