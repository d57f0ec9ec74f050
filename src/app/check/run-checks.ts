/** Everything that can be wrong before a sync, in the order in which a sync would come upon it. */
import { asConnectorError } from '../../common/errors';
import type { LogLevel, Logger } from '../../common/logger';
import type { Settings } from '../../config/settings';
import type { TableState } from '../../model/sync-state';
import { readServerFacts, neverAnalyzed } from '../../postgres/catalog';
import { createRuns } from '../../engine/plan';
import { loadTransformationModule } from '../../engine/rules';
import { discoverAndPlan } from '../discovery';
import { originOf } from '../origin';
import { runsOptions } from '../runs-options';
import { openSource } from '../source-connection';
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
  const manager = openSource(settings, logger, 2);
  try {
    let session;
    try {
      session = await manager.lease(signal);
    } catch (error) {
      const { message, hint, kind } = asConnectorError(error);
      if (kind === 'interrupted') throw error;
      add([noConnection('login', message, hint)]);
      return all;
    }
    const asked = Date.now();
    const facts = await readServerFacts(session, signal);
    // The server read its clock about half way between question and answer.
    const skewMs = facts.clockMs - (asked + Date.now()) / 2;
    await manager.release(session);
    add(checkServer(facts, settings, new Date(), skewMs));
    add(await checkPooling(manager, signal));

    const module =
      settings.transformations === undefined ? {} : await loadTransformationModule(settings.transformations);
    const discovery = await discoverAndPlan(manager, settings, module, logger, signal);
    const { plan, unreadable, source } = discovery;
    add(checkOrigin(settings, originOf(settings, discovery), warehouse.contents?.origin));
    const states = warehouse.contents?.states ?? new Map<string, TableState>();
    const { refused } = createRuns(plan, states, runsOptions(settings, { module, source, logger }));
    const oids = plan.tables.flatMap(({ table }) => table.relations.map((relation) => relation.oid));
    const again = await manager.lease(signal);
    const withoutStatistics = await neverAnalyzed(again, oids, signal);
    await manager.release(again);
    const unusable = new Map([...unreadable, ...refused]);
    add(checkTables({ plan, unusable, withoutStatistics, warnings }));
    add(checkDisk(settings, plan, warehouse.contents));
  } catch (thrown) {
    const error = asConnectorError(thrown);
    if (error.kind === 'interrupted') throw error;
    const say = error.kind === 'connection' ? noConnection : failure;
    add([say('tables', error.message, error.hint)]);
  } finally {
    await manager.close();
  }
  return all;
}

/** Keeps what discovery warns of; the rest is not for this list. */
function collecting(warnings: string[]): Logger {
  const ignore: Record<Exclude<LogLevel, 'warning' | 'severe'>, () => void> = {
    debug: () => undefined,
    info: () => undefined,
  };
  // Row-level security has a finding of its own.
  const keep = (message: string): void => {
    if (!message.startsWith('Row-level security')) warnings.push(message);
  };
  return { ...ignore, warning: keep, severe: keep };
}
