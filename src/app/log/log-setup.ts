/** Sets mode log up: publication first, since the slot could not decode changes of before it, then the slot. */
import { asConnectorError, ConnectorError } from '../../common/errors';
import type { Settings } from '../../config/settings';
import { POOLER_HINT, quoteIdentifier, type Session } from '../../postgres/connection';
import {
  setupObstacles,
  setupStatements,
  type Obstacle,
  type SetupStatement,
  type SetupStatements,
} from '../../postgres/log';
import { checkPooling } from '../check/pooling';
import type { CatalogReader } from '../read-catalog';
import { readLogSource, type LogSource } from './log-source';

export interface LogSetup extends LogSource {
  readonly statements: SetupStatements;
  /** In the way of the statements, no matter who runs them. */
  readonly obstacles: readonly Obstacle[];
  /** In the way of this role only. */
  readonly rights: readonly Obstacle[];
}

export async function planLogSetup(reader: CatalogReader): Promise<LogSetup> {
  const source = await readLogSource(reader);
  const { facts, names, tables } = source;
  const statements = setupStatements(tables, facts, names);
  const pooled = await checkPooling(reader.manager, reader.signal);
  const obstacles: Obstacle[] = pooled.map(({ message }) => ({ code: 'pooler', message, remedy: POOLER_HINT }));
  obstacles.push(...setupObstacles(facts, names));
  if (statements.covered.length === 0)
    obstacles.push({
      code: 'no_tables',
      message: 'The log can answer for no table of the configuration.',
      remedy:
        tables.length === 0
          ? 'Set "sync_mode", or "mode" of a table in "table_options", to log.'
          : (statements.uncovered[0]?.gap.remedy ?? 'Give a table a primary key, or name others with "table_filters".'),
    });
  if (facts.server.standby && statements.publication.length > 0)
    obstacles.push({
      code: 'standby_publication',
      message: 'The server is a standby, where no publication can be made.',
      remedy: 'Run the statements about the publication on the primary first.',
    });
  return { ...source, statements, obstacles, rights: rightsMissing(source, statements) };
}

/** The owner's part is not the reading role's, which should own nothing. */
function rightsMissing({ facts, names }: LogSource, statements: SetupStatements): readonly Obstacle[] {
  if (statements.publication.length === 0) return [];
  const { server, publication } = facts;
  const remedy =
    'Have their owner run what `pgsluice log setup` prints, or log in as the owner with --username and PGPASSWORD.';
  const who = `The role "${server.user}" may not`;
  if (publication === null && !server.mayPublish)
    return [
      { code: 'publication_right', message: `${who} make a publication in the database "${server.database}".`, remedy },
    ];
  if (publication !== null && !publication.owned)
    return [
      {
        code: 'publication_right',
        message: `${who} change the publication "${names.publicationName}" of "${publication.owner}".`,
        remedy,
      },
    ];
  const foreign = statements.publishes.filter(({ oid }) => facts.identities.get(oid)?.owned === false);
  const [first] = foreign;
  if (first === undefined) return [];
  return [
    {
      code: 'publication_right',
      message: `${who} publish ${foreign.length} of the tables, which it does not own, such as ${first.schema}.${first.name}.`,
      remedy,
    },
  ];
}

export interface AppliedSetup {
  /** What was done, a sentence each. */
  readonly done: readonly string[];
}

/** Runs what is missing; rejects with what stands in the way before anything is changed, or after it was undone. */
export async function applyLogSetup(
  setup: LogSetup,
  { manager, settings, signal }: CatalogReader,
): Promise<AppliedSetup> {
  const obstacles = [...setup.obstacles, ...setup.rights];
  if (obstacles.length > 0) throw refused('Mode log was not set up, and nothing was changed', obstacles);
  const { publication, slot } = setup.statements;
  const session = await manager.lease(signal);
  try {
    await session.query(`SET statement_timeout = ${patienceMs(settings)}`, { doing: 'preparing the session', signal });
    await inTransaction(session, publication, signal);
    try {
      for (const statement of slot) await run(session, statement, signal);
    } catch (thrown) {
      const drop = `DROP PUBLICATION ${quoteIdentifier(setup.names.publicationName)}`;
      const made = setup.facts.publication === null;
      const undone = made && (await undo(session, ['BEGIN READ WRITE', drop, 'COMMIT']));
      throw explained(thrown, setup, patienceMs(settings), undone);
    }
    return { done: [...publication, ...slot].map(({ done }) => done) };
  } finally {
    await manager.release(session);
  }
}

export function refused(what: string, obstacles: readonly Obstacle[]): ConnectorError {
  const sentences = obstacles.map(({ message, remedy }) => `${message} ${remedy}`);
  return new ConnectorError(`${what}: ${sentences.join('\n')}`, {
    code: obstacles[0]?.code ?? 'log_setup',
    kind: 'source',
  });
}

/** The server must end the statement before it counts as lost here: it would make the slot after all. */
const PATIENCE_SHARE = 0.8;

function patienceMs({ statementTimeoutSeconds, stallTimeoutSeconds }: Settings): number {
  const limits = [statementTimeoutSeconds, stallTimeoutSeconds].filter((seconds) => seconds > 0);
  return Math.max(1, Math.round(Math.min(...limits) * PATIENCE_SHARE * 1000));
}

async function run(session: Session, { sql }: SetupStatement, signal: AbortSignal): Promise<void> {
  await session.query(sql.replace(/;$/, ''), { doing: 'setting up mode log', signal });
}

async function inTransaction(
  session: Session,
  statements: readonly SetupStatement[],
  signal: AbortSignal,
): Promise<void> {
  if (statements.length === 0) return;
  const context = { doing: 'setting up mode log', signal };
  // Sessions of a sync can only read.
  await session.query('BEGIN READ WRITE', context);
  try {
    for (const statement of statements) await run(session, statement, signal);
    await session.query('COMMIT', context);
  } catch (error) {
    await undo(session, ['ROLLBACK']);
    throw error;
  }
}

/** Also after an interruption. Whether it came through: a session that is lost undoes only what was not committed. */
async function undo(session: Session, statements: readonly string[]): Promise<boolean> {
  if (!session.usable) return false;
  for (const sql of statements) await session.query(sql, { doing: 'taking back what was set up' });
  return true;
}

function explained(thrown: unknown, { names, facts }: LogSetup, patience: number, undone: boolean): ConnectorError {
  const error = asConnectorError(thrown);
  const publication = undone
    ? ' The publication was dropped again.'
    : facts.publication === null
      ? ' The publication stays; `pgsluice log setup --apply` goes on from there.'
      : '';
  const { code, kind, sqlState } = error;
  if (kind === 'interrupted') return error;
  const waited = sqlState === '57014';
  const reason = waited
    ? `it waits until every transaction that was running has ended, and one had not after ${patience / 1000} s`
    : error.message.replace(/\.$/, '');
  const hint = waited
    ? 'Run it again when they have; to see them: SELECT pid, xact_start, query FROM pg_stat_activity WHERE backend_xid IS NOT NULL ORDER BY xact_start;'
    : error.hint;
  return new ConnectorError(`The replication slot "${names.slotName}" could not be made: ${reason}.${publication}`, {
    code: waited ? 'slot_waits' : code,
    kind,
    ...(sqlState === undefined ? {} : { sqlState }),
    ...(hint === undefined ? {} : { hint }),
    cause: thrown,
  });
}
