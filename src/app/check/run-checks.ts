/**
 * Everything that can be wrong before a sync, in the order in which a sync would meet it.
 *
 * Each neighbour looks at one subject (host, network, server, tables, warehouse, files) and returns findings: what it
 * looked at, how that is, and what to do. `connection-tests` runs some of them for the platform. app, cli and fivetran
 * come in; nothing here writes.
 */
import { asConnectorError } from '../../common/errors';
import type { LogLevel, Logger } from '../../common/logger';
import type { Settings } from '../../config/settings';
import type { TableState } from '../../model/sync-state';
import { readServerFacts, neverAnalyzed } from '../../postgres/catalog';
import type { WarehouseContents } from '../../destinations/warehouse-access';
import { originOf } from '../origin';
import { decideRuns, discoverAndPlan, withSource } from '../pipeline';
import type { CatalogReader } from '../read-catalog';
import { checkFiles } from './files';
import { failure, noConnection, type Finding } from './finding';
import {
  checkAddon,
  checkConfiguration,
  checkNode,
  checkOdbc,
  checkTransformations,
  type ConfigurationOnDisk,
} from './host';
import { checkNetwork } from './network';
import { checkPooling } from './pooling';
import { checkServer } from './server';
import { checkTables } from './tables';
import { checkDisk, checkOrigin, checkWarehouse } from './warehouse';

/** `tell` gets each finding as soon as it is known. */
export async function runChecks(
  settings: Settings,
  configuration: ConfigurationOnDisk,
  signal: AbortSignal,
  tell: (finding: Finding) => void,
): Promise<readonly Finding[]> {
  const all: Finding[] = [];
  const add = (findings: readonly Finding[]): void => {
    for (const finding of findings) {
      all.push(finding);
      tell(finding);
    }
  };
  add(checkNode());
  add(checkAddon(settings));
  add(checkOdbc(settings));
  add(checkConfiguration(configuration));
  // Without a configuration there is nothing to connect to.
  if (configuration.error !== undefined) return all;
  add(await checkTransformations(settings));
  const warehouse = await checkWarehouse(settings);
  add(warehouse.findings);
  add(checkFiles(settings));
  add(await checkNetwork(settings));
  if (all.some((finding) => finding.blocksConnection === true)) return all;

  const warnings: string[] = [];
  const logger = collecting(warnings);
  await withSource(settings, logger, 2, async (manager) => {
    const reader = { manager, settings, logger, signal };
    try {
      if (await checkSession(reader, add)) await checkSource(reader, warehouse.contents, warnings, add);
    } catch (thrown) {
      const error = asConnectorError(thrown);
      if (error.kind === 'interrupted') throw error;
      const say = error.kind === 'connection' ? noConnection : failure;
      add([say('tables', error.message, error.hint)]);
    }
  });
  return all;
}

type Add = (findings: readonly Finding[]) => void;

/** Logs in and looks at the server; false where that is not possible. */
async function checkSession({ manager, settings, signal }: CatalogReader, add: Add): Promise<boolean> {
  let session;
  try {
    session = await manager.lease(signal);
  } catch (error) {
    const { message, hint, kind } = asConnectorError(error);
    if (kind === 'interrupted') throw error;
    add([noConnection('login', message, hint)]);
    return false;
  }
  const asked = Date.now();
  const facts = await readServerFacts(session, signal);
  // The server read its clock about half way between question and answer.
  const skewMs = facts.clockMs - (asked + Date.now()) / 2;
  await manager.release(session);
  add(checkServer(facts, settings, new Date(), skewMs));
  add(await checkPooling(manager, signal));
  return true;
}

/** Plans a sync, and reports what would hinder it. */
async function checkSource(
  reader: CatalogReader,
  contents: WarehouseContents | undefined,
  warnings: readonly string[],
  add: Add,
): Promise<void> {
  const { manager, settings, signal } = reader;
  const discovery = await discoverAndPlan(reader, { tellsOfPolicies: true });
  const { plan } = discovery;
  add(checkOrigin(settings, originOf(settings, discovery), contents?.origin));
  const { leftOut } = decideRuns(discovery, contents?.states ?? new Map<string, TableState>(), reader);
  const oids = plan.tables.flatMap(({ table }) => table.relations.map((relation) => relation.oid));
  const session = await manager.lease(signal);
  const withoutStatistics = await neverAnalyzed(session, oids, signal);
  await manager.release(session);
  const refusesUnlisted = settings.columnsUnlisted === 'fail';
  add(checkTables({ plan, unusable: leftOut, withoutStatistics, warnings, refusesUnlisted }));
  add(checkDisk(settings, plan, contents));
}

/** Keeps the warnings of discovery; this list does not show the rest. */
function collecting(warnings: string[]): Logger {
  const ignore: Record<Exclude<LogLevel, 'warning' | 'severe'>, () => void> = {
    debug: () => undefined,
    info: () => undefined,
  };
  const keep = (message: string): void => void warnings.push(message);
  return { ...ignore, warning: keep, severe: keep };
}
