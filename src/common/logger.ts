/** Levels as Fivetran's SDK names them, plus debug for people. */
export type LogLevel = 'debug' | 'info' | 'warning' | 'severe';

/** What a line says, for machines: they stand beside its text where the log is JSON. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  severe(message: string, fields?: LogFields): void;
}
