import type { Settings } from '../config/settings';
import { readDataSource } from '../source/data-source';
import { passwordsIn } from '../source/data-source-secrets';

/** What no line may show beside the configuration's own secrets: passwords in the data source that it names. */
export function dataSourceSecrets({ dsn }: Pick<Settings, 'dsn'>): readonly string[] {
  return dsn === undefined ? [] : passwordsIn(readDataSource(dsn));
}
