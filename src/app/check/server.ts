/** Checks what the server says about itself, our session and our role. */
import type { Settings } from '../../config/settings';
import type { ServerFacts } from '../../postgres/catalog';
import { failure, ok, warning, type Finding } from './finding';

/** TID range scans; before, tables are read with cursors. */
const RANGES_SINCE = 140_000;
/** This version has pg_export_snapshot for several readers, pg_stat_ssl and what else is used. */
const OLDEST = 100_000;
const MOST_READERS = 4;
const DAY_MS = 86_400_000;
const EXPIRY_NOTICE_DAYS = 14;
/** Rows carry our clock, and timestamp passes use the server's. */
const MOST_SKEW_MS = 5_000;

export function checkServer(
  facts: ServerFacts,
  settings: Settings,
  now: Date,
  clockSkewMs: number,
): readonly Finding[] {
  return [
    ok('login', `Role "${facts.user}", database "${facts.database}"`),
    ...checkRole(facts, now),
    ...checkTls(facts, settings),
    checkVersion(facts),
    ...checkSettings(facts, settings),
    checkConnections(facts, settings),
    checkClock(clockSkewMs),
  ];
}

function checkRole(facts: ServerFacts, now: Date): readonly Finding[] {
  const findings: Finding[] = [];
  if (facts.superuser) {
    findings.push(
      warning(
        'role',
        `Role "${facts.user}" is a superuser.`,
        'Use a role with CONNECT, USAGE and SELECT only; SECURITY.md has the statements.',
      ),
    );
  }
  if (facts.passwordExpiresMs !== null) {
    const days = (facts.passwordExpiresMs - now.getTime()) / DAY_MS;
    if (days < EXPIRY_NOTICE_DAYS) {
      findings.push(
        warning(
          'password',
          `The password of "${facts.user}" expires on ${new Date(facts.passwordExpiresMs).toISOString().slice(0, 10)}.`,
          `Have an administrator run: ALTER ROLE "${facts.user.replaceAll('"', '""')}" PASSWORD '…' VALID UNTIL '…';`,
        ),
      );
    }
  }
  return findings;
}

function checkTls(facts: ServerFacts, settings: Settings): readonly Finding[] {
  const local = settings.host === undefined || /^(\/|localhost$|127\.|::1$)/.test(settings.host);
  if (facts.tls === null) {
    if (local) return [ok('tls', 'Not encrypted; the server is on this machine.')];
    return [
      warning(
        'tls',
        'The connection is not encrypted: the password and all data can be read on the way.',
        'Set "sslmode" to "verify-full" and "sslrootcert" to the certificate of the authority.',
      ),
    ];
  }
  const message = `${facts.tls.version}, ${facts.tls.cipher}`;
  const verified = settings.sslmode === 'verify-full' || settings.sslmode === 'verify-ca';
  if (verified || local) return [ok('tls', message)];
  return [
    warning(
      'tls',
      `${message}, but nobody checked who the server is.`,
      'Set "sslmode" to "verify-full" and "sslrootcert" to the certificate of the authority.',
    ),
  ];
}

function checkVersion(facts: ServerFacts): Finding {
  const message = `PostgreSQL ${facts.version}${facts.standby ? ', a standby' : ''}`;
  if (facts.versionNumber < OLDEST) {
    return failure('server', `${message} is too old.`, 'PostgreSQL 10 is the oldest that is supported.');
  }
  if (facts.versionNumber < RANGES_SINCE) {
    return warning(
      'server',
      `${message} has no TID range scans, so tables are read with a cursor, by one reader, several times slower.`,
      'Upgrade to PostgreSQL 14 or newer where that matters.',
    );
  }
  return ok('server', message);
}

function checkSettings(facts: ServerFacts, settings: Settings): readonly Finding[] {
  const findings: Finding[] = [];
  if (facts.encoding === 'SQL_ASCII') {
    findings.push(
      warning(
        'encoding',
        'The database is SQL_ASCII, which checks no encoding: a text that is not UTF-8 makes its table fail.',
        'Convert such texts on the server, or leave their tables out with "table_filters".',
      ),
    );
  }
  const snapshotMs = settings.snapshotMaxAgeSeconds * 1000;
  if (
    facts.standby &&
    facts.maxStandbyDelayMs >= 0 &&
    !facts.hotStandbyFeedback &&
    facts.maxStandbyDelayMs < snapshotMs
  ) {
    findings.push(
      warning(
        'standby',
        `This standby ends statements that stand in the way of replay after ${facts.maxStandbyDelayMs / 1000} s.`,
        'Set hot_standby_feedback = on there, raise max_standby_streaming_delay, or lower "snapshot_max_age_seconds".',
      ),
    );
  }
  if (facts.oldSnapshotThresholdMinutes >= 0 && facts.oldSnapshotThresholdMinutes * 60_000 < snapshotMs) {
    findings.push(
      warning(
        'old_snapshot_threshold',
        `The server gives up snapshots after ${facts.oldSnapshotThresholdMinutes} min ("snapshot too old").`,
        'Set old_snapshot_threshold = -1, or lower "snapshot_max_age_seconds" below it.',
      ),
    );
  }
  return findings.length > 0 ? findings : [ok('settings', 'Nothing stands in the way of long snapshots.')];
}

function checkConnections(facts: ServerFacts, settings: Settings): Finding {
  const wanted = (settings.customThreads ?? MOST_READERS) + 1;
  // Our own connection is among the used ones, and will be used by us.
  const free = facts.maxConnections - facts.reservedConnections - facts.usedConnections + 1;
  const allowed = facts.connectionLimit < 0 ? Infinity : facts.connectionLimit - facts.ownConnections + 1;
  const message = `${facts.usedConnections} of ${facts.maxConnections} connections in use; a sync takes up to ${wanted}`;
  if (Math.min(free, allowed) >= wanted) return ok('connections', message);
  const reason =
    allowed < free ? `the role's CONNECTION LIMIT is ${facts.connectionLimit}` : `only ${Math.max(0, free)} are free`;
  return warning('connections', `${message}, but ${reason}.`, 'Lower "custom_threads", or raise the limit.');
}

function checkClock(skewMs: number): Finding {
  const message = `The server's clock differs by ${(Math.abs(skewMs) / 1000).toFixed(1)} s`;
  if (Math.abs(skewMs) <= MOST_SKEW_MS) return ok('clock', message);
  return warning(
    'clock',
    `${message}: it is ${skewMs > 0 ? 'ahead' : 'behind'}.`,
    'Run a time service (chrony, systemd-timesyncd) on both machines; sync times would mislead.',
  );
}
