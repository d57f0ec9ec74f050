/** A copy of the warehouse for readers, after a sync that changed anything. */
import { asConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import type { Settings } from '../config/settings';
import { accessTo } from '../destinations/registry';
import type { SyncReport } from '../model/report';

/** When the warehouse is closed. A copy that cannot be made is worth a warning, not the sync. */
export async function publishCopy(settings: Settings, { operations }: SyncReport, logger: Logger): Promise<void> {
  const { publishPath: folder, publishKeep: keep } = settings;
  if (folder === undefined) return;
  const { publish, published } = accessTo(settings);
  if (publish === undefined || published === undefined) {
    logger.warning('"publish_path" is for a warehouse file; anybody may read a lake while it is written.');
    return;
  }
  const { upserts, updates, deletes, truncates, schemaChanges } = operations;
  const changed = upserts + updates + deletes + truncates + schemaChanges > 0;
  if (!changed && published(folder).length > 0) return;
  try {
    logger.info(`Published ${await publish({ folder, keep, now: new Date() })}`);
  } catch (error) {
    logger.warning(asConnectorError(error).describe());
  }
}
