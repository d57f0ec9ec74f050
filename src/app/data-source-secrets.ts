import type { Settings } from '../config/settings';
import { passwordsIn, readDataSource } from '../postgres/connection';

/** The secrets beside the configuration's own that no line may show: passwords in the data source that it names. */
export function dataSourceSecrets({ dsn }: Pick<Settings, 'dsn'>): readonly string[] {
  return dsn === undefined ? [] : passwordsIn(readDataSource(dsn));
}
