/** DuckLake's errors as sentences: what happened to the lake, and what to do. */
import type { ConnectorError } from '../../common/errors';
import { destinationError, messageOf, writeError } from '../duckdb';
import { type LakePlace } from './catalog';
import { shownCatalog } from '../place';

const CONFLICT = /Transaction conflict|Failed to commit DuckLake transaction/i;

/** `lake`: its catalog, without a password. */
export function lakeWriteError(error: unknown, lake: string): ConnectorError {
  const text = messageOf(error);
  if (CONFLICT.test(text))
    return destinationError(
      `Another process has changed the same tables of the lake ${lake} meanwhile.`,
      'lake_conflict',
      {
        cause: error,
        hint: 'Nothing of this commit was kept; run the sync again, one at a time for each table.',
      },
    );
  return writeError(error, lake);
}

export function noDataPath(catalog: string): ConnectorError {
  return destinationError(
    `The lake ${shownCatalog(catalog)} is new, and nothing says where its files should go.`,
    'lake_data_path',
    { hint: 'Name a folder, or a URL such as s3://BUCKET/FOLDER, with "lake_data_path".' },
  );
}

export function lakeOpenError(error: unknown, { catalog }: LakePlace): ConnectorError {
  const lake = shownCatalog(catalog);
  const text = messageOf(error);
  return destinationError(`The lake ${lake} cannot be opened: ${text}`, 'lake_unavailable', { cause: error });
}
