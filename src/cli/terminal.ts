/** The facts about the terminal that are known before anything is drawn on it. */

/** What the display needs of process.stdout. */
export interface TerminalStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): unknown;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Bars are drawn only where a person looks at a terminal that can move its cursor. */
export function wantsProgress(stream: TerminalStream, logFormat: 'text' | 'json', env: Environment): boolean {
  return stream.isTTY === true && logFormat === 'text' && env['TERM'] !== 'dumb' && (env['CI'] ?? '') === '';
}

/** https://no-color.org: any value except an empty one. */
export function wantsColour(env: Environment): boolean {
  return (env['NO_COLOR'] ?? '') === '';
}
