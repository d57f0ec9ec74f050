export interface TableName {
  readonly schema: string;
  readonly name: string;
}

export interface TableFilter {
  includes(table: TableName): boolean;
  /** Patterns that match none of the tables, as the user wrote them: probably misspelt. */
  unmatched(tables: readonly TableName[]): readonly string[];
}

/**
 * Globs over `schema.table`: `*` is any text, `?` any one character, a leading `!` excludes. A pattern without a dot is
 * matched with the table's name alone. A table is included if some positive pattern matches it, or there is none, and
 * no excluding one does; the order of patterns has no meaning.
 *
 * picomatch does not fit: its globs are for paths, where a slash and a leading dot are special and brackets, braces and
 * backslashes are syntax, while an identifier may hold any of these.
 */
export function compileTableFilter(patterns: readonly string[]): TableFilter {
  const compiled = patterns.map((source) => {
    const negative = source.startsWith('!');
    const glob = (negative ? source.slice(1) : source).trim();
    const qualified = glob.includes('.');
    const matchesText = globMatcher(glob);
    const matches = ({ schema, name }: TableName): boolean => matchesText(qualified ? `${schema}.${name}` : name);
    return { source, negative, matches };
  });
  const positive = compiled.filter((pattern) => !pattern.negative);
  const negative = compiled.filter((pattern) => pattern.negative);
  return {
    includes: (table) =>
      (positive.length === 0 || positive.some((pattern) => pattern.matches(table))) &&
      !negative.some((pattern) => pattern.matches(table)),
    unmatched: (tables) =>
      compiled.filter((pattern) => !tables.some((table) => pattern.matches(table))).map((pattern) => pattern.source),
  };
}

/** Whether a text is what a glob describes: `*` is any text, `?` any one character. */
export function globMatcher(glob: string): (text: string) => boolean {
  const characters = Array.from(glob);
  return (text) => matchesGlob(characters, Array.from(text));
}

/** The names that a key `schema.table` may stand for: both parts may hold dots themselves. */
export function namesOfKey(key: string): readonly TableName[] {
  const parts = key.split('.');
  return parts.slice(1).map((_, index) => {
    return { schema: parts.slice(0, index + 1).join('.'), name: parts.slice(index + 1).join('.') };
  });
}

export function includesKey(filter: TableFilter, key: string): boolean {
  return namesOfKey(key).some((name) => filter.includes(name));
}

/**
 * Only the last `*` is ever tried again, one character further, because it can take whatever an earlier one could have
 * taken. So the time is bounded by the product of the lengths, while a regular expression with many `*` can take
 * minutes.
 */
function matchesGlob(pattern: readonly string[], text: readonly string[]): boolean {
  let position = 0;
  let star = -1;
  let resume = 0;
  let index = 0;
  while (index < text.length) {
    const wanted = pattern[position];
    if (wanted === '*') {
      star = position++;
      resume = index;
    } else if (wanted !== undefined && (wanted === '?' || wanted === text[index])) {
      position++;
      index++;
    } else if (star >= 0) {
      position = star + 1;
      index = ++resume;
    } else {
      return false;
    }
  }
  return pattern.slice(position).every((rest) => rest === '*');
}
