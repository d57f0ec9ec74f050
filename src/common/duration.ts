const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Seconds of a duration as it is typed: 30s, 15m, 1h, 1d; NaN for any other text. */
export function durationSeconds(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text.trim()) ?? [];
  return Number(digits) * (SECONDS[unit] ?? NaN);
}
