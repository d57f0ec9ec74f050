/** The part of `os-utils` that the fallback uses; the package brings no types. */
declare module 'os-utils' {
  /** Megabytes (2^20 bytes). */
  export function totalmem(): number;
  /** Megabytes (2^20 bytes). */
  export function freemem(): number;
}
