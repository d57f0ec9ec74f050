/**
 * What the time of a round trip changes. Batches of a server next door are as small as its other users like them; from
 * far away most of the time of such a batch would be waiting. So batches and ranges grow with the distance, within what
 * one statement may take, and a further reader must be worth its login: the odbc package lets no other statement begin
 * or end meanwhile (docs/PERFORMANCE.md).
 */

import { availableParallelism, loadavg } from 'node:os';

/** Within one data centre a round trip takes less, also where both ends are busy. */
const NEAR_MS = 8;
/** About what the server needs for a batch of a near one. */
const USUAL_BATCH_MS = 20;
const MOST_GROWTH = 4;
/** Round trips of a connection: see LOGIN_ROUND_TRIPS in postgres/connection/session, and our own first statement. */
const LOGIN_ROUND_TRIPS = 8;
/** About what the server needs for the batches of a partition. */
const PARTITION_MS = 100;

/**
 * Processes that wait for each processor, above which a statement may have waited for one. So many times as long must
 * a round trip then be to count as far.
 */
const BUSY_LOAD = 1.5;

/** The distance that the fastest statement shows; 0, near, where a busy host may explain it. */
export function distanceFrom(fastestMs: number, load = loadavg()[0] ?? 0, processors = availableParallelism()): number {
  const waiting = load / processors;
  return waiting > BUSY_LOAD && fastestMs <= NEAR_MS * waiting ? 0 : fastestMs;
}

export function isFar(roundTripMs: number): boolean {
  return roundTripMs > NEAR_MS && Number.isFinite(roundTripMs);
}

/** How many times as many rows as a near one a batch may have: 1 to 4. */
export function batchGrowth(roundTripMs: number): number {
  return isFar(roundTripMs) ? Math.min(MOST_GROWTH, 1 + roundTripMs / USUAL_BATCH_MS) : 1;
}

/** Whether so many partitions are worth another connection, during whose login nothing is read. */
export function worthALogin(partitions: number, roundTripMs: number): boolean {
  if (!isFar(roundTripMs)) return true;
  return partitions * (PARTITION_MS + roundTripMs) > 2 * LOGIN_ROUND_TRIPS * roundTripMs;
}
