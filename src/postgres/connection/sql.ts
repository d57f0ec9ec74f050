/** A PostgreSQL identifier, always quoted: case is kept and reserved words are harmless. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteQualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** The text after FROM: the relation's own rows, or those of its partitions and children as well. */
export function quoteRows(relation: {
  readonly schema: string;
  readonly name: string;
  readonly includesChildren?: true;
}): string {
  return `${relation.includesChildren === true ? '' : 'ONLY '}${quoteQualified(relation.schema, relation.name)}`;
}

/**
 * A PostgreSQL string literal in the E'' form, whose meaning does not depend on
 * standard_conforming_strings. U+0000 cannot occur in PostgreSQL text and is refused.
 */
export function quoteLiteral(value: string): string {
  if (value.includes('\0')) throw new RangeError('PostgreSQL text cannot hold U+0000.');
  return `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
