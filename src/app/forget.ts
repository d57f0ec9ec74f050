/** Forgets tables: finds them by pattern, and removes them from state and history. */
import { ConnectorError } from '../common/errors';
import { nearest } from '../config/nearest';
import type { Settings } from '../config/settings';
import { compileTableFilter, includesKey, namesOfKey } from '../config/table-filter';
import { placeOf } from '../destinations/place';
import { accessTo } from '../destinations/registry';
import { stateDocument, writeStateFile } from '../destinations/state-file';
import { EXAMINED_RUNS, noWarehouse } from './status';

export interface ForgetPlan {
  /** `schema.table`, with its table in the warehouse where it has one. */
  readonly tables: readonly { readonly key: string; readonly destinationTable: string | undefined }[];
  readonly forget: (drop: boolean) => Promise<void>;
}

/** Rejects where a pattern matches no table that was ever synced: it is probably misspelt. */
export async function planToForget(settings: Settings, patterns: readonly string[]): Promise<ForgetPlan> {
  const warehouse = accessTo(settings);
  const contents = await warehouse.readContents(EXAMINED_RUNS);
  if (contents === undefined) throw noWarehouse(settings);
  const { states, runs } = contents;
  const known = [...new Set([...states.keys(), ...runs.flatMap((run) => run.tables.map(({ key }) => key))])].sort();
  const filter = compileTableFilter(patterns);
  const unmatched = filter.unmatched(known.flatMap(namesOfKey));
  if (unmatched.length > 0) throw unknown(unmatched, known, placeOf(settings) ?? settings.warehousePath);
  const keys = known.filter((key) => includesKey(filter, key));
  return {
    tables: keys.map((key) => ({ key, destinationTable: states.get(key)?.destinationTable })),
    forget: async (drop) => {
      await warehouse.forgetTables({ keys, states, drop });
      const left = new Map([...states].filter(([key]) => !keys.includes(key)));
      writeStateFile(settings.statePath, stateDocument(left, new Date()));
    },
  };
}

function unknown(patterns: readonly string[], known: readonly string[], path: string): ConnectorError {
  const meant = patterns.flatMap((pattern) => nearest(pattern, known) ?? []);
  const quoted = patterns.map((pattern) => `"${pattern}"`).join(', ');
  return new ConnectorError(`No table of ${path} matches ${quoted}; nothing was forgotten.`, {
    code: 'table_unknown',
    kind: 'configuration',
    hint: meant.length > 0 ? `Did you mean ${meant.join(', ')}?` : '`pgsluice status` shows what there is.',
  });
}
