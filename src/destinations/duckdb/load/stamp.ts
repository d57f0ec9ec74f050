/** SQL for the moment of a load, which every row of it carries. */
import type { LoadStamp } from '../../destination';
import { literal } from '../types';

/** As `sync_timestamp` holds it. */
export function stampSeconds({ startedAt }: LoadStamp): string {
  return `CAST(${startedAt.getTime()} AS DOUBLE) / 1000`;
}

/** As `_fivetran_synced` holds it. */
export function stampTime({ startedAt }: LoadStamp): string {
  return `CAST(${literal(startedAt.toISOString())} AS TIMESTAMP WITH TIME ZONE)`;
}
