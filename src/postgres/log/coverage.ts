/**
 * Which tables the log can answer for: of every row that is inserted, changed or deleted it must name the key, and it must
 * name all of them. One answer for `log setup`, `log status`, `check` and the choice of the mode.
 */
import { createHash } from 'node:crypto';
import { whyNoKey, type ColumnSchema, type TableSchema, type ThroughRoot } from '../../model/table';
import { quoteIdentifier, quoteQualified } from '../connection';
import type { LogFacts, PublicationFacts, RelationIdentity } from './slot-facts';

export interface CoverageGap {
  /** `table`: whatever the publication says, the log cannot answer for it; `publication`: it could. */
  readonly lies: 'table' | 'publication';
  /** A phrase whose subject is the table: `it is unlogged`. */
  readonly reason: string;
  /** The statement that helps; undefined where none does. */
  readonly remedy?: string;
}

const OUTSIDE: Readonly<Partial<Record<TableSchema['kind'], string>>> = {
  view: 'it is a view, whose rows are not in the log',
  materialized_view: 'it is a materialized view, whose rows are not in the log',
  foreign: 'it is a foreign table, whose rows are in another log',
};

const UNNAMED: Readonly<Partial<Record<ThroughRoot, string>>> = {
  hypertable: 'it is a hypertable, whose chunks the log names under names of their own',
  'unknown-child': 'it has a child that the catalog does not describe',
};

/** Lists of columns in a publication. */
export const COLUMN_LISTS_SINCE = 150_000;

/** Undefined where a pass over the log finds every change of the table, and reads no value that must not leave the server. */
export function whyNotCovered(
  table: TableSchema,
  facts: Pick<LogFacts, 'identities' | 'publication' | 'server'>,
): CoverageGap | undefined {
  return whyNotPublishable(table, facts) ?? whyNotPublished(table, facts);
}

/** Why no publication would help; undefined where the table may be put into one without harm. */
export function whyNotPublishable(
  table: TableSchema,
  { identities, server }: Pick<LogFacts, 'identities' | 'server'>,
): CoverageGap | undefined {
  const gap = (reason: string, remedy?: string): CoverageGap => ({
    lies: 'table',
    reason,
    ...(remedy === undefined ? {} : { remedy }),
  });
  const outside = OUTSIDE[table.kind] ?? (table.throughRoot === undefined ? undefined : UNNAMED[table.throughRoot]);
  if (outside !== undefined) return gap(outside);
  if (table.primaryKey.length === 0) return gap(whyNoKey(table));
  const foreign = table.columns.find(({ name, sourceType }) => table.primaryKey.includes(name) && !isKnown(sourceType));
  if (foreign !== undefined) return gap(`its key column ${quoteIdentifier(foreign.name)} has a type of an extension`);
  const underRules = columnsUnderRules(table);
  const [ruled] = underRules;
  if (ruled !== undefined && server.versionNumber < COLUMN_LISTS_SINCE)
    return gap(
      `its column ${quoteIdentifier(ruled)} may not leave the server as it is, and before PostgreSQL 15 the log sends every column`,
    );
  if (table.policiesLookElsewhere === true) return gap('its row-level security asks functions or other tables');
  for (const part of partsOfTable(table, identities)) {
    const whose = part.oid === table.oid ? 'it' : `its partition ${part.schema}.${part.name}`;
    const name = quoteQualified(part.schema, part.name);
    if (part.kind === 'f') return gap(`${whose} is a foreign table, whose rows are in another log`);
    if (part.persistence !== 'p')
      return gap(
        `${whose} is ${part.persistence === 'u' ? 'unlogged' : 'temporary'}`,
        part.persistence === 'u' ? `ALTER TABLE ${name} SET LOGGED;` : undefined,
      );
    const { identityColumns: carried } = part;
    const lacking = carried === null ? undefined : table.primaryKey.find((column) => !carried.includes(column));
    if (lacking !== undefined)
      return gap(
        `the replica identity of ${whose === 'it' ? 'the table' : whose} does not name the key column ${quoteIdentifier(lacking)}`,
        // A primary key that is deferrable identifies nothing.
        `ALTER TABLE ${name} REPLICA IDENTITY ${part.identity === 'd' ? 'FULL' : 'DEFAULT'};`,
      );
    const carriedAsIs = underRules.find((column) => carried?.includes(column) !== false);
    if (carriedAsIs !== undefined)
      return gap(
        `its column ${quoteIdentifier(carriedAsIs)} may not leave the server as it is, and the log sends it as a part of the replica identity`,
        table.primaryKey.includes(carriedAsIs) ? undefined : `ALTER TABLE ${name} REPLICA IDENTITY DEFAULT;`,
      );
    const generated = table.primaryKey.find((column) => part.generatedColumns.includes(column));
    if (generated !== undefined)
      return gap(`its key column ${quoteIdentifier(generated)} is generated, and the log leaves it out`);
  }
  return undefined;
}

/** Types that can be compared without a search_path; enums, ranges and composites by operators of pg_catalog. */
function isKnown({ schema, category }: ColumnSchema['sourceType']): boolean {
  return schema === 'pg_catalog' || category !== 'b';
}

/** The relations that hold its rows; of a partitioned table its partitions, however it is read. */
export function partsOfTable(
  table: { readonly oid: number },
  identities: ReadonlyMap<number, RelationIdentity>,
): readonly RelationIdentity[] {
  const belongs = ({ oid, parents }: RelationIdentity): boolean =>
    oid === table.oid ||
    parents.some((parent) => {
      const known = identities.get(parent);
      return parent === table.oid || (known !== undefined && belongs(known));
    });
  return [...identities.values()].filter((relation) => relation.kind !== 'p' && belongs(relation));
}

function whyNotPublished(
  table: TableSchema,
  { publication, identities }: Pick<LogFacts, 'identities' | 'publication'>,
): CoverageGap | undefined {
  const gap = (reason: string, remedy: string): CoverageGap => ({ lies: 'publication', reason, remedy });
  if (publication === null) return gap('the publication does not exist', 'Run `pgsluice log setup`.');
  const name = quoteIdentifier(publication.name);
  const missing = unpublishedOperation(publication);
  if (missing !== undefined)
    return gap(
      `the publication ${publication.name} leaves out ${missing}`,
      `ALTER PUBLICATION ${name} SET (publish = 'insert, update, delete, truncate');`,
    );
  const byOid = new Map(publication.tables.map((each) => [each.oid, each]));
  const root = byOid.get(table.oid);
  const parts = root === undefined ? partsOfTable(table, identities) : [];
  const entries = root === undefined ? parts.map(({ oid }) => byOid.get(oid)) : [root];
  const qualified = quoteQualified(table.schema, table.name);
  if (entries.length === 0 || entries.includes(undefined))
    return gap(
      `the publication ${publication.name} does not contain it`,
      `ALTER PUBLICATION ${name} ADD TABLE ${qualified};`,
    );
  const again = `ALTER PUBLICATION ${name} DROP TABLE ${qualified}; ALTER PUBLICATION ${name} ADD TABLE ${qualified};`;
  for (const entry of entries) {
    if (entry === undefined) continue;
    if (entry.mark === null && !publication.allTables)
      return gap(
        `the publication ${publication.name} names its schema, not the table`,
        `ALTER PUBLICATION ${name} ADD TABLE ${qualified};`,
      );
    if (entry.filter !== null)
      return gap(`a row filter of the publication ${publication.name} hides changes of it`, again);
    const hidden = table.primaryKey.find((column) => entry.columns?.includes(column) === false);
    if (hidden !== undefined)
      return gap(
        `a column list of the publication ${publication.name} leaves out its key column ${quoteIdentifier(hidden)}`,
        again,
      );
    const shown = columnsUnderRules(table).find((column) => entry.columns?.includes(column) !== false);
    if (shown !== undefined)
      return gap(
        `the publication ${publication.name} sends its column ${quoteIdentifier(shown)}, which may not leave the server as it is`,
        `ALTER PUBLICATION ${name} DROP TABLE ${qualified}; ALTER PUBLICATION ${name} ADD TABLE ${qualified} (${table.primaryKey.map(quoteIdentifier).join(', ')});`,
      );
  }
  return undefined;
}

/** Columns whose values must not leave the server as they are: by a rule of `columns`, or since the role may not read them. */
export function columnsUnderRules({ columns, withheld = [] }: TableSchema): readonly string[] {
  return [...columns.filter(({ policy }) => policy !== undefined), ...withheld].map(({ name }) => name);
}

function unpublishedOperation({ inserts, updates, deletes, truncates }: PublicationFacts): string | undefined {
  const left = Object.entries({ inserts, updates, deletes, truncates }).filter(([, published]) => !published);
  return left.length === 0 ? undefined : left.map(([operation]) => operation).join(', ');
}

/**
 * A digest of all that decides which changes of a covered table the log shows. Where it is another than at the last pass, changes
 * in between may be missing from the log. Partitions that come and go do not change it, while they are like the others.
 */
export function coverageDigest(table: TableSchema, facts: Pick<LogFacts, 'identities' | 'publication'>): string {
  const { publication, identities } = facts;
  const parts = partsOfTable(table, identities);
  const oids = new Set([table.oid, ...parts.map(({ oid }) => oid)]);
  const entries = (publication?.tables ?? []).filter(({ oid }) => oids.has(oid));
  const distinct = (values: readonly unknown[]): readonly string[] =>
    [...new Set(values.map((value) => JSON.stringify(value)))].sort();
  const shown = [
    publication?.mark,
    distinct(entries.map(({ mark, columns, filter }) => [mark, columns, filter])),
    distinct(parts.map(({ identity, identityColumns }) => [identity, identityColumns])),
    distinct(parts.filter(({ attached }) => attached !== '').map(({ oid, attached }) => [oid, attached])),
  ];
  return createHash('md5').update(JSON.stringify(shown)).digest('hex');
}
