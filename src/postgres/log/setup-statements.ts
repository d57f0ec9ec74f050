/** The statements that set mode log up, as far as they are still missing, and those that take it down. */
import { tableKey, type TableSchema } from '../../model/table';
import { quoteIdentifier, quoteQualified } from '../connection';
import { COLUMN_LISTS_SINCE, columnsUnderRules, partsOfTable, whyNotCovered, type CoverageGap } from './coverage';
import { dropSlot, isInvalid, OUTPUT_PLUGIN } from './obstacles';
import { PUBLICATION_COMMENT, type LogFacts, type LogNames, type PublicationFacts } from './slot-facts';

export interface SetupStatement {
  readonly sql: string;
  /** What it has done, as a sentence: `Made the publication "pgsluice" for 3 tables.` */
  readonly done: string;
}

export interface SetupStatements {
  /** To be run in one transaction, before the slot: changes of before its publication could not be decoded. */
  readonly publication: readonly SetupStatement[];
  /** Each by itself: a slot is made in no transaction that has written. */
  readonly slot: readonly SetupStatement[];
  /** What is there already, a sentence each. */
  readonly existing: readonly string[];
  /** Tables that the statements put into the publication; their owner must run them. */
  readonly publishes: readonly TableSchema[];
  /** Tables that mode log will serve. */
  readonly covered: readonly string[];
  readonly uncovered: readonly { readonly table: string; readonly gap: CoverageGap }[];
}

/** Partitioned tables in publications, with their changes under the root's name. */
const VIA_ROOT_SINCE = 130_000;

export function setupStatements(tables: readonly TableSchema[], facts: LogFacts, names: LogNames): SetupStatements {
  const { publication, slot } = facts;
  const uncovered: { table: string; gap: CoverageGap }[] = [];
  const covered: TableSchema[] = [];
  const missing: TableSchema[] = [];
  const foreign = publication !== null && !publication.ours;
  for (const table of tables) {
    const gap = whyNotCovered(table, facts);
    if (gap !== undefined && (gap.lies === 'table' || foreign)) {
      uncovered.push({ table: tableKey(table), gap });
    } else {
      covered.push(table);
      if (gap !== undefined) missing.push(table);
    }
  }
  const name = quoteIdentifier(names.publicationName);
  const existing: string[] = [];
  if (publication !== null)
    existing.push(
      `The publication ${name} exists${foreign ? ' and was not made by `pgsluice log setup`, so it stays as it is' : ''}.`,
    );
  const statements =
    publication === null ? createPublication(covered, facts, name) : foreign ? [] : extend(publication, missing, facts);
  const makesAnew = slot !== null && (publication === null || isInvalid(slot));
  if (slot !== null && !makesAnew) existing.push(`The replication slot "${slot.name}" exists.`);
  return {
    publication: statements,
    slot: [
      ...(makesAnew
        ? [
            {
              sql: dropSlot(names.slotName),
              done: `Dropped the replication slot "${names.slotName}", which ${isInvalid(slot) ? 'the server had given up' : 'was older than its publication and could not be read'}.`,
            },
          ]
        : []),
      ...(slot === null || makesAnew
        ? [
            {
              sql: `SELECT pg_catalog.pg_create_logical_replication_slot('${names.slotName}', '${OUTPUT_PLUGIN}');`,
              done: `Made the replication slot "${names.slotName}".`,
            },
          ]
        : []),
    ],
    existing,
    publishes: missing,
    covered: covered.map(tableKey),
    uncovered,
  };
}

function createPublication(tables: readonly TableSchema[], facts: LogFacts, name: string): readonly SetupStatement[] {
  if (tables.length === 0) return [];
  const entries = tables.flatMap((table) => entriesOf(table, facts));
  const options = facts.server.versionNumber >= VIA_ROOT_SINCE ? ' WITH (publish_via_partition_root = true)' : '';
  return [
    {
      sql: `CREATE PUBLICATION ${name} FOR TABLE ${entries.join(', ')}${options};`,
      done: `Made the publication ${name} for ${counted(tables.length)}.`,
    },
    {
      sql: `COMMENT ON PUBLICATION ${name} IS '${PUBLICATION_COMMENT}';`,
      done: `Marked the publication ${name} as made by pgsluice.`,
    },
  ];
}

function extend(
  publication: PublicationFacts,
  missing: readonly TableSchema[],
  facts: LogFacts,
): readonly SetupStatement[] {
  const name = quoteIdentifier(publication.name);
  const { inserts, updates, deletes, truncates } = publication;
  const present = new Set(publication.tables.map(({ oid }) => oid));
  // An entry that hides changes is put in anew.
  const wrong = missing.filter((table) => present.has(table.oid) && isWrong(table, publication, facts));
  const absent = missing.filter((table) => !present.has(table.oid));
  const added = [...wrong, ...absent];
  return [
    ...(inserts && updates && deletes && truncates
      ? []
      : [
          {
            sql: `ALTER PUBLICATION ${name} SET (publish = 'insert, update, delete, truncate');`,
            done: `Let the publication ${name} publish every kind of change.`,
          },
        ]),
    ...(wrong.length === 0
      ? []
      : [
          {
            sql: `ALTER PUBLICATION ${name} DROP TABLE ${wrong.map((table) => onlyTable(table)).join(', ')};`,
            done: `Took ${counted(wrong.length)} out of the publication ${name}, of which it published too little or too much.`,
          },
        ]),
    ...(added.length === 0
      ? []
      : [
          {
            sql: `ALTER PUBLICATION ${name} ADD TABLE ${added.flatMap((table) => entriesOf(table, facts)).join(', ')};`,
            done: `Added ${counted(added.length)} to the publication ${name}.`,
          },
        ]),
  ];
}

/**
 * An entry with a row filter or without the key's columns, or one that sends more columns than may leave the server. Where
 * only the kinds of change are wrong, it may stay.
 */
function isWrong(table: TableSchema, publication: PublicationFacts, facts: LogFacts): boolean {
  const entry = publication.tables.find(({ oid }) => oid === table.oid);
  if (entry === undefined) return false;
  const sendsTooMuch = columnsUnderRules(table).some((column) => entry.columns?.includes(column) !== false);
  if (sendsTooMuch && columnList(table, facts) !== '') return true;
  return entry.filter !== null || table.primaryKey.some((column) => entry.columns?.includes(column) === false);
}

/**
 * What follows FOR TABLE: ONLY, since children of another parent are tables of their own to us. The column list, where
 * there may be one, holds all that the replica identities need: without it, UPDATE and DELETE of the source would fail.
 */
function entriesOf(table: TableSchema, facts: LogFacts): readonly string[] {
  const { versionNumber } = facts.server;
  const parts = partsOfTable(table, facts.identities);
  if (table.kind === 'partitioned' && versionNumber < VIA_ROOT_SINCE)
    return parts.map(({ schema, name }) => `ONLY ${quoteQualified(schema, name)}`);
  return [`${onlyTable(table)}${versionNumber < COLUMN_LISTS_SINCE ? '' : columnList(table, facts)}`];
}

function onlyTable(table: TableSchema): string {
  return `${table.kind === 'partitioned' ? '' : 'ONLY '}${quoteQualified(table.schema, table.name)}`;
}

function columnList(table: TableSchema, { publication, identities }: LogFacts): string {
  // Without publish_via_partition_root, a partitioned table may have none.
  if (table.kind === 'partitioned' && publication !== null && !publication.viaRoot) return '';
  const parts = partsOfTable(table, identities);
  const columns = new Set<string>();
  for (const { identityColumns, generatedColumns } of parts) {
    if (identityColumns === null || identityColumns.some((column) => generatedColumns.includes(column))) return '';
    for (const column of identityColumns) columns.add(column);
  }
  return columns.size === 0 ? '' : ` (${[...columns].map(quoteIdentifier).join(', ')})`;
}

const counted = (tables: number): string => (tables === 1 ? '1 table' : `${tables} tables`);
