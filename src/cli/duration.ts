/** Durations as they are typed: 30s, 15m, 1h, 1d. */
import { durationSeconds } from '../common/duration';
import { ConnectorError } from '../common/errors';

/** Timers of Node.js count milliseconds in 31 bits. */
const LONGEST_SECONDS = 24 * 86_400;

/** Seconds. */
export function parseDuration(flag: string, text: string): number {
  const seconds = durationSeconds(text);
  if (seconds >= 1 && seconds <= LONGEST_SECONDS) return seconds;
  throw new ConnectorError(
    `--${flag} must be a duration such as 30s, 15m, 1h or 1d, 24d at most, not "${text.slice(0, 20)}".`,
    {
      code: 'usage',
      kind: 'configuration',
    },
  );
}
