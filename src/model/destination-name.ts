/** The values of the option `destination`. src/destinations/registry.ts has what each of them is. */
export const DESTINATION_NAMES = ['duckdb', 'ducklake', 'null'] as const;

export type DestinationName = (typeof DESTINATION_NAMES)[number];
