/** Where the log ends, and where our slot stands in it. */
import { quoteLiteral, type Session } from '../connection';
import { formatLsn, parseLsn } from './lsn';

export interface LogEnd {
  /** End of what was written into the log, flushed or not; on a standby, of what was replayed. */
  readonly written: string;
  /** End of what can be decoded. */
  readonly readable: string;
}

export async function logEnd(session: Session, signal: AbortSignal | undefined): Promise<LogEnd> {
  const [row] = await session.query(
    `SELECT CASE WHEN r THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_insert_lsn() END::text AS w,
            CASE WHEN r THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_flush_lsn() END::text AS f
     FROM pg_catalog.pg_is_in_recovery() AS r`,
    { doing: 'looking for the end of the log', signal },
  );
  return { written: String(row?.['w']), readable: String(row?.['f']) };
}

/** Confirmed position of the slot; undefined where there is none that can be read. */
async function slotPosition(
  session: Session,
  slotName: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const [row] = await session.query(
    `SELECT confirmed_flush_lsn::text AS l FROM pg_catalog.pg_replication_slots WHERE slot_name = ${quoteLiteral(slotName)}`,
    { doing: `looking at slot ${slotName}`, signal },
  );
  const position = row?.['l'];
  return typeof position === 'string' ? position : undefined;
}

/** Moving on reads the log, some 500 MB a second; a statement over more could take longer than one may. */
const STEP_BYTES = 8n * 1024n ** 3n;

/** Lets the server remove the log up to `to`. A slot that stands there already, or further on, is left as it is. */
export async function advanceSlot(
  session: Session,
  slotName: string,
  to: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const target = parseLsn(to);
  for (;;) {
    const position = await slotPosition(session, slotName, signal);
    if (position === undefined || parseLsn(position) >= target) return;
    const step = parseLsn(position) + STEP_BYTES;
    const next = step < target ? step : target;
    await session.query(
      `SELECT pg_catalog.pg_replication_slot_advance(${quoteLiteral(slotName)}, ${quoteLiteral(formatLsn(next))}::pg_lsn) IS NOT NULL AS a`,
      { doing: `moving slot ${slotName} on`, signal },
    );
    if (next === target) return;
  }
}
