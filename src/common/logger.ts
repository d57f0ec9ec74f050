/** Levels as Fivetran's SDK names them, plus debug for people. */
export type LogLevel = 'debug' | 'info' | 'warning' | 'severe';

export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warning(message: string): void;
  severe(message: string): void;
}
