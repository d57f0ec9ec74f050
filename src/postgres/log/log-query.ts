/**
 * The statement that reads the log: messages of pgoutput, many in one cell, each with its length (32 bits) before it, in
 * base64. Messages about other tables do not leave the server, nor what stands behind the key in a message.
 */
import { quoteIdentifier, quoteLiteral, SETTINGS_SEEN } from '../connection';

export interface LogQuery {
  readonly slotName: string;
  readonly publicationName: string;
  /** Transactions whose commit record begins before it are read. */
  readonly upTo: string;
  /** The relations whose changes are wanted. */
  readonly oids: readonly number[];
  /** Those of `oids` whose messages are needed as a whole. */
  readonly whole: readonly number[];
  /** So many bytes suffice of a message about another one. */
  readonly cutBytes: number;
}

/** The bytes of messages in one cell. */
const CELL_BYTES = 512 * 1024;
/** The bytes of a cell, as its column has them. */
export const LONGEST_CELL_BYTES = CELL_BYTES * 1.5;
/** A row whose key stands behind more than that is no row that the log can be asked about. */
export const MOST_MESSAGE_BYTES = 8 * 1024 * 1024;

/** First bytes of messages. */
const [BEGIN, TRUNCATE, INSERT, UPDATE, DELETE, RELATION] = ['B', 'T', 'I', 'U', 'D', 'R'].map((letter) =>
  letter.charCodeAt(0),
);

/** A row for each cell: `x`, and the settings that it was made under as `s`. */
export function logQuerySql(query: LogQuery): string {
  const changes =
    `pg_catalog.pg_logical_slot_peek_binary_changes(${quoteLiteral(query.slotName)}, ${quoteLiteral(query.upTo)}::pg_lsn, NULL, ` +
    // The option is a list of identifiers.
    `'proto_version', '1', 'publication_names', ${quoteLiteral(quoteIdentifier(query.publicationName))})`;
  // Insert, Update and Delete have their relation behind the first byte, and so has Relation.
  const relation = 'pg_catalog.substr(data, 2, 4)';
  const kind = 'pg_catalog.get_byte(data, 0)';
  const ofRows = `${kind} IN (${INSERT}, ${UPDATE}, ${DELETE})`;
  const wanted =
    `CASE WHEN ${ofRows} OR ${kind} = ${RELATION} THEN ${isAmong(relation, query.oids)} ` +
    `ELSE ${kind} IN (${BEGIN}, ${TRUNCATE}) END`;
  const cut =
    `CASE WHEN NOT ${ofRows} THEN data WHEN ${isAmong(relation, query.whole)} THEN pg_catalog.substr(data, 1, ${MOST_MESSAGE_BYTES}) ` +
    `ELSE pg_catalog.substr(data, 1, ${query.cutBytes}) END`;
  return (
    `SELECT pg_catalog.encode(string_agg(pg_catalog.int4send(octet_length(m)) || m, ''::bytea), 'base64') AS x, ${SETTINGS_SEEN} AS s FROM (` +
    `SELECT m, pg_catalog.sum(octet_length(m)) OVER (ROWS UNBOUNDED PRECEDING) / ${CELL_BYTES} AS g FROM (` +
    `SELECT ${cut} AS m FROM ${changes} AS l WHERE ${wanted} OFFSET 0) AS q) AS p GROUP BY g ORDER BY g`
  );
}

function isAmong(bytes: string, oids: readonly number[]): string {
  if (oids.length === 0) return 'false';
  const list = oids.map((oid) => `'\\x${oid.toString(16).padStart(8, '0')}'`);
  return `${bytes} = ANY (ARRAY[${list.join(', ')}]::bytea[])`;
}
