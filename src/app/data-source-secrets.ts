import type { Settings } from '../config/settings';
import { passwordsIn, readDataSource } from '../postgres/connection';

/** What no line may show beside the configuration's own secrets: passwords in the data source that it names. */
export function dataSourceSecrets({ dsn }: Pick<Settings, 'dsn'>): readonly string[] {
  return dsn === undefined ? [] : passwordsIn(readDataSource(dsn));
}
