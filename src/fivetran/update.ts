/** One Update: the same sync as the command line's, into the stream. */
import { counted } from '../common/counted';
import { runSync } from '../app/sync-run';
import { checkNetwork } from '../app/check/network';
import { ConnectorError } from '../common/errors';
import type { Settings } from '../config/settings';
import type { Logger } from '../common/logger';
import type { TableStates } from '../model/sync-state';
import type { SyncObserver, SyncReport, TableReport } from '../model/report';
import type { TableName } from '../model/source-selection';
import { tableKey } from '../model/table';
import { describeDestination } from '../app/describe-tables';
import { createRedactor } from '../common/redact';
import { secondsTypeOf, type ConfigurationMap } from './request-settings';
import type { RequestContext } from './request-context';
import { Selection, unknownColumn, unknownTable, type SelectionMessage } from './selection';
import { parseState } from './state-json';
import { StreamDestination } from './stream-destination';
import { UpdateStream, type UpdateCall } from './update-stream';
import { wireKey, wireText, WireNames } from './wire-names';
import { TIME_COLUMN } from './wire-schema';

export interface UpdateRequest {
  readonly configuration?: ConfigurationMap;
  readonly selection?: SelectionMessage | null;
  readonly state_json?: string;
}

/** More warnings than these would not help a user. */
const MOST_TABLES_NAMED = 10;

export async function runUpdate(
  call: UpdateCall<UpdateRequest>,
  context: RequestContext,
  serialize: (message: object) => Buffer,
): Promise<void> {
  const { settings, logger, withSchema, secrets } = context;
  const state = parseState(call.request.state_json);
  const names = new WireNames(withSchema);
  const selection = new Selection(call.request.selection, names);
  const redact = createRedactor(secrets);
  const stream = new UpdateStream(call, context.gone);
  context.gone.addEventListener('abort', () => {
    const why = stream.whyGone();
    if (why !== undefined) logger.warning(why);
  });
  const warn = (message: string): void => {
    logger.warning(message);
    stream.sendNow(serialize({ warning: { message: redact(message) } }));
  };
  if (state.notice !== undefined) logger.info(state.notice);
  await checkServer(settings);
  await checkSelection(selection, names, state.states, context, warn);

  const sources = new Map<string, TableName>();
  const destination = new StreamDestination({
    stream,
    serialize,
    state,
    names,
    selection,
    secondsType: secondsTypeOf(settings),
    sourceName: (key) => sources.get(key),
    warn,
  });
  let started = false;
  const observer: SyncObserver = {
    planned: (plan) => {
      for (const { table } of plan.tables) sources.set(tableKey(table), table);
    },
    tableStarted: () => {
      started = true;
    },
  };
  // Findings before the first table is read concern the user's tables and settings. Later ones (retries, pressure)
  // concern the operator of the service.
  const telling: Logger = {
    ...logger,
    warning: (message) => (started ? logger.warning(message) : warn(message)),
  };
  const report = await runSync(settings, { logger: telling, signal: context.signal, observer, destination, selection });
  logger.info(
    `Sent: ${Object.entries(destination.counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  );
  conclude(report, warn);
}

/**
 * Tables that were left out are reported as warnings. Tables that failed end the Update with an error, after all the
 * others.
 */
function conclude(report: SyncReport, warn: (message: string) => void): void {
  const failed = report.tables.filter((table) => table.error !== undefined);
  const leftOut = failed.filter((table) => table.destinationTable === '');
  const broken = failed.filter((table) => table.destinationTable !== '');
  for (const table of leftOut.slice(0, MOST_TABLES_NAMED)) warn(`Left out: ${sentence(table)}`);
  if (leftOut.length > MOST_TABLES_NAMED)
    warn(`Left out: ${counted(leftOut.length - MOST_TABLES_NAMED, 'more table')}; the log names all.`);
  const [first] = broken.length > 0 ? broken : failed.length === report.tables.length ? leftOut : [];
  if (first?.error === undefined) return;
  for (const table of broken.slice(0, MOST_TABLES_NAMED)) warn(`Failed: ${sentence(table)}`);
  const { code, kind, retryable, hint } = first.error;
  throw new ConnectorError(
    `${failed.length} of ${counted(report.tables.length, 'table')} could not be synced; the others are complete. ${first.key}: ${first.error.message}`,
    { code, kind, retryable, ...(hint === undefined ? {} : { hint }), cause: first.error },
  );
}

function sentence({ key, error }: TableReport): string {
  return `${key}: ${error?.describe() ?? ''}`;
}

/** A wrong host or port stays wrong, so it is reported at once, as Test reports it, rather than after every retry. */
async function checkServer(settings: Settings): Promise<void> {
  const wrong = (await checkNetwork(settings)).filter(({ status }) => status === 'failure');
  const [first] = wrong;
  if (first === undefined) return;
  throw new ConnectorError(wrong.map(({ message }) => message).join(' '), {
    code: 'server_unreachable',
    kind: 'connection',
    retryable: true,
    ...(first.advice === undefined ? {} : { hint: first.advice }),
  });
}

/**
 * A selection of names that do not exist is a mistake, and nothing is sent. But a table that an earlier sync had may
 * have been dropped since: the platform keeps its name, and the sync goes on without it.
 */
async function checkSelection(
  selection: Selection,
  names: WireNames,
  states: TableStates,
  context: RequestContext,
  warn: (message: string) => void,
): Promise<void> {
  const wanted = [...selection.namedTables()];
  if (wanted.length === 0) return;
  // Everything, selected or not: a name that exists is no mistake.
  const quiet: Logger = { ...context.logger, info: () => undefined, warning: () => undefined };
  const described = await describeDestination(context.settings, { logger: quiet, signal: context.signal });
  const existing = new Map(
    described.tables.map(({ source, table }) => [
      wireKey(source === undefined ? names.ofMetadata(table.name) : names.of(source)),
      new Set([...table.columns.map(({ name }) => name), TIME_COLUMN]),
    ]),
  );
  const earlier = new Set([...states.values()].map((entry) => entry.destinationTable));
  // They are left out by filters or for want of a privilege; the sync itself reports that.
  const elsewhere = new Set([...described.existing].map(flat));
  for (const { name, columns } of wanted) {
    const known = existing.get(wireKey(name));
    const listName = name.schemaName === undefined ? name.tableName : `source_${name.schemaName}_${name.tableName}`;
    const synced = earlier.has(listName);
    if (known === undefined) {
      if (elsewhere.has(flat(listName))) continue;
      if (!synced) throw unknownTable(name);
      warn(`The selection names ${wireText(name)}, which can no longer be read; its rows stay as they are.`);
      continue;
    }
    for (const column of columns.filter((each) => !known.has(each))) {
      if (!synced) throw unknownColumn(name, column);
      warn(`The selection names column ${column} of ${wireText(name)}, which no longer exists.`);
    }
  }
}

/** `schema.table` and `source_schema_table` as one word. */
function flat(name: string): string {
  return name.replace(/^source_/, '').replaceAll('.', '_');
}
