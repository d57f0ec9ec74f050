/** Renders times and durations as people read them. */

/** `2026-11-22 10:04:05Z`; `–` for none. */
export function formatTime(iso: string | null | undefined): string {
  return iso === null || iso === undefined ? '–' : `${iso.slice(0, 19).replace('T', ' ')}Z`;
}

/** `4 s`, `12 min`, `3 h 20 min`, `5 d 2 h`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'unknown';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How long ago a time is, as a plain duration. */
export function formatAge(iso: string, now: Date): string {
  return `${formatDuration(Math.max(0, (now.getTime() - Date.parse(iso)) / 1000))}`;
}
