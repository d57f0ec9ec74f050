/**
 * The settings of a connection that decide how a value is written, and the proof that they held.
 *
 * A pooler in transaction mode hands each transaction to any of its servers, where our settings were never made. Dates
 * could then arrive in another order, unnoticed. So every statement that reads values returns the settings it ran
 * under, and is refused under others.
 */
import { ConnectorError } from '../../common/errors';
import type { OdbcRow } from './odbc-driver';

/** As current_setting() shows them. */
export const VALUE_SETTINGS: Readonly<Record<string, string>> = {
  client_encoding: 'UTF8',
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  // Any number above 0 since PostgreSQL 12; before, 3 is what a double needs.
  extra_float_digits: '3',
  xmlbinary: 'base64',
  quote_all_identifiers: 'off',
  search_path: '',
};

/** SQL for the settings that a statement runs under; to be selected as `s`. */
export const SETTINGS_SEEN = `concat_ws('/', ${Object.keys(VALUE_SETTINGS)
  .map((name) => `pg_catalog.current_setting('${name}')`)
  .join(', ')})`;

/** The value of that SQL where our settings are in force. */
export const SETTINGS_MADE = Object.values(VALUE_SETTINGS).join('/');

export const POOLER_HINT =
  'A pooler in transaction mode does this: connect to PostgreSQL itself, or through a pool in session mode.';

/** Throws where the row's `s` shows other settings than ours. */
export function checkSettings(row: OdbcRow | undefined, doing: string): void {
  if (row === undefined || row['s'] === SETTINGS_MADE) return;
  throw new ConnectorError(`The connection had lost its settings (while ${doing}); nothing of the result was used.`, {
    code: 'settings_lost',
    kind: 'connection',
    hint: POOLER_HINT,
  });
}
