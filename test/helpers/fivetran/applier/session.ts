/** One Update into an applier, whole or cut after a message of the test's choice. */
import type { ServiceError } from '@grpc/grpc-js';
import type { Client } from 'pg';
import { Applier } from './applier';
import { WireClient, type WireMessage } from './wire';

/** Asked after each message; true: no later message is taken. */
export type Cut = (message: WireMessage, received: number) => boolean;

export interface UpdateEnd {
  /** `cut`: the test has cut it; otherwise the status. */
  readonly outcome: 'cut' | 'ok' | 'failed';
  readonly details: string;
  readonly messages: number;
}

export interface UpdateOptions {
  readonly configuration: Readonly<Record<string, string>>;
  readonly selection?: object;
  readonly cut?: Cut;
  /** The way of the cut; by default the client cancels. */
  readonly cutBy?: () => void;
  /** Whether the records after the last checkpoint are applied. */
  readonly applyRest?: boolean;
}

export async function update(client: WireClient, applier: Applier, options: UpdateOptions): Promise<UpdateEnd> {
  const { configuration, selection, cut = (): boolean => false, applyRest = true } = options;
  applier.declare(await client.schema(configuration));
  const call = client.update({
    configuration,
    ...(selection === undefined ? {} : { selection }),
    ...(applier.state === undefined ? {} : { state_json: applier.state }),
  });
  let messages = 0;
  let isCut = false;
  let details = '';
  let failed = false;
  try {
    for await (const message of call) {
      messages += 1;
      applier.take(message as WireMessage);
      if (!cut(message as WireMessage, messages)) continue;
      isCut = true;
      if (options.cutBy === undefined) call.cancel();
      else options.cutBy();
      break;
    }
  } catch (error) {
    details = (error as ServiceError).details;
    failed = true;
  }
  call.cancel();
  applier.settle(applyRest);
  return { outcome: isCut ? 'cut' : failed ? 'failed' : 'ok', details, messages };
}

/** Cuts after so many messages behind the first TRUNCATE of a table. */
export function afterTruncate(table: string, more: number): Cut {
  let since = -1;
  return (message) => {
    if (since >= 0) since += 1;
    const records = message.records?.records ?? [];
    if (since < 0 && records.some(({ type, table_name: name }) => type === 'TRUNCATE' && name === table)) since = 0;
    return since >= more;
  };
}

/** The rows in which the applier differs from the source; empty where they are equal. */
export async function differences(
  source: Client,
  applier: Applier,
  table: {
    readonly id: string;
    readonly sql: string;
    readonly key: readonly string[];
    readonly columns: readonly string[];
  },
): Promise<string[]> {
  const quoted = table.columns.map((column) => `${source.escapeIdentifier(column)}::text`);
  const { rows } = await source.query<(string | null)[]>({
    text: `SELECT ${quoted.join(', ')} FROM ${table.sql}`,
    rowMode: 'array',
  });
  const identity = table.key.length > 0 ? table.key : table.columns;
  const keyOf = (values: ReadonlyMap<string, string | null>): string =>
    identity.map((column) => normal(applier.typeOf(table.id, column), values.get(column) ?? null)).join('\0');
  const expected = new Map<string, ReadonlyMap<string, string | null>>();
  for (const row of rows) {
    const values = new Map(table.columns.map((column, index) => [column, row[index] ?? null]));
    expected.set(keyOf(values), values);
  }
  const found: string[] = [];
  const seen = new Set<string>();
  for (const values of applier.live(table.id)) {
    const key = keyOf(values);
    const source = expected.get(key);
    if (seen.has(key)) found.push(`${table.id} has ${shown(key)} twice`);
    seen.add(key);
    if (source === undefined) {
      found.push(`${table.id} has ${shown(key)}, which the source has not`);
      continue;
    }
    for (const column of table.columns) {
      const type = applier.typeOf(table.id, column);
      const [is, should] = [values.get(column) ?? null, source.get(column) ?? null];
      if (normal(type, is) !== normal(type, should))
        found.push(`${table.id}.${column} of ${shown(key)} is ${is}, not ${should}`);
    }
  }
  for (const key of expected.keys()) if (!seen.has(key)) found.push(`${table.id} lacks ${shown(key)}`);
  return found;
}

function shown(key: string): string {
  return `(${key.replaceAll('\0', ', ')})`;
}

/** Numbers have more than one text, and dates that the wire has no form for are NULL. */
function normal(type: string | undefined, text: string | null): string | null {
  if (text === null) return null;
  switch (type) {
    case 'FLOAT':
      return String(Math.fround(Number(text.replace('inf', 'Inf'))));
    case 'DOUBLE':
      return String(Number(text));
    case 'NAIVE_DATE':
    case 'NAIVE_DATETIME':
    case 'UTC_DATETIME':
      return /infinity| BC$|^\d{5}/.test(text) ? null : text;
    default:
      return text;
  }
}
