/** Runs the same checks one at a time, for a setup form that asks for them by name. */
import { counted } from '../../common/counted';
import type { Logger } from '../../common/logger';
import type { Settings } from '../../config/settings';
import type { SyncPlan } from '../../model/plan';
import { tableKey } from '../../model/table';
import type { Session } from '../../postgres/connection';
import { readServerFacts } from '../../postgres/catalog';
import { decideRuns, discoverAndPlan, withSource } from '../pipeline';
import { failure, ok, type Finding } from './finding';
import { checkOdbc, checkTransformations } from './host';
import { checkNetwork } from './network';
import { checkServer } from './server';

export type ConnectionTest = 'settings' | 'driver' | 'connection' | 'credentials' | 'permissions' | 'sync_mode';

/** Returns the findings of one test. Rejects with a ConnectorError where the server cannot be asked. */
export async function runConnectionTest(
  test: ConnectionTest,
  settings: Settings,
  logger: Logger,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  switch (test) {
    case 'driver':
      return checkOdbc(settings);
    case 'connection':
      return await checkNetwork(settings);
    case 'credentials':
      return await withSession(settings, logger, signal, () => Promise.resolve([ok('login', 'The role can log in.')]));
    case 'settings': {
      const facts = await withSession(settings, logger, signal, (session) => readServerFacts(session, signal));
      const server = checkServer(facts, settings, new Date(), facts.clockMs - Date.now());
      return [...(await checkTransformations(settings)), ...server];
    }
    case 'permissions':
    case 'sync_mode':
      return await checkTables(test, settings, logger, signal);
  }
}

async function withSession<T>(
  settings: Settings,
  logger: Logger,
  signal: AbortSignal,
  action: (session: Session) => Promise<T>,
): Promise<T> {
  return await withSource(settings, logger, 1, async (manager) => await action(await manager.lease(signal)));
}

async function checkTables(
  test: 'permissions' | 'sync_mode',
  settings: Settings,
  logger: Logger,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  // A user who fills in a form expects an answer soon.
  const once = { ...settings, maxRetries: 0 };
  const discovery = await withSource(settings, logger, 1, (manager) =>
    discoverAndPlan({ manager, settings: once, logger, signal }),
  );
  const { plan, unreadable } = discovery;
  if (test === 'sync_mode') return checkModes(plan, settings);
  const problems = [...decideRuns(discovery, new Map(), { settings, logger }).leftOut];
  if (problems.length === 0)
    return [
      ok(
        'tables',
        plan.tables.length === 1 ? 'The table can be read.' : `All ${plan.tables.length} tables can be read.`,
      ),
    ];
  const names = problems.map(([key]) => key);
  const [, first] = problems[0] ?? [];
  const total = plan.tables.length + unreadable.size;
  return [
    failure(
      'tables',
      `${problems.length} of ${counted(total, 'table')} cannot be read: ${listed(names)}.`,
      `${first?.describe() ?? ''} Or leave the tables out with "table_filters".`,
    ),
  ];
}

/** If a mode that the user chose fits no table, that is a mistake; a few tables that need another mode are normal. */
function checkModes(plan: SyncPlan, settings: Settings): readonly Finding[] {
  const { syncMode } = settings;
  if (plan.tables.length === 0)
    return [failure('tables', 'There is no table to sync.', 'Check "database", "table_filters" and the privileges.')];
  const otherwise = plan.tables.filter((planned) => planned.mode !== syncMode);
  if (syncMode === 'auto' || syncMode === 'full' || otherwise.length < plan.tables.length)
    return [ok('mode', `${counted(plan.tables.length, 'table')} to sync.`)];
  const reasons = otherwise.map(({ table, mode, modeReason }) => `${tableKey(table)} (${mode}: ${modeReason})`);
  return [
    failure(
      'mode',
      `No table can be synced in the mode ${syncMode}: ${listed(reasons)}.`,
      'Set "sync_mode" to "auto", or give the tables what the mode needs.',
    ),
  ];
}

const LISTED = 10;

function listed(names: readonly string[]): string {
  const rest = names.length - LISTED;
  return `${names.slice(0, LISTED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
