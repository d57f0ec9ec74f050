/** PostgreSQL type -> the type that travels. One decision per column, before anything is read. */
import type { ColumnType } from '../../model/column-type';
import type { SourceType } from '../../model/table';

/** `python`: the types that the Python connector wrote, for destinations that it filled. */
export type TypeMode = 'exact' | 'python';

/** Types of pg_catalog; every other one is text. */
const BUILT_IN = new Map<string, ColumnType>(
  Object.entries({
    bool: { kind: 'boolean' },
    int2: { kind: 'int16' },
    int4: { kind: 'int32' },
    int8: { kind: 'int64' },
    oid: { kind: 'int64' },
    float4: { kind: 'float32' },
    float8: { kind: 'float64' },
    // Two digits after the point are the rule; destinations/duckdb/load/column-fit sees to currencies with more.
    money: { kind: 'decimal', precision: 19, scale: 2 },
    date: { kind: 'date' },
    timestamp: { kind: 'timestamp' },
    timestamptz: { kind: 'timestamptz' },
    json: { kind: 'json' },
    jsonb: { kind: 'json' },
    bytea: { kind: 'binary' },
    xml: { kind: 'xml' },
  }),
);

/** Types of extensions, which may live in any schema. postgres/read/select-list writes them as JSON. */
const EXTENSIONS = new Map<string, ColumnType>(
  Object.entries({
    hstore: { kind: 'json' },
    // PostGIS
    geometry: { kind: 'json' },
    geography: { kind: 'json' },
    // pgvector
    vector: { kind: 'json' },
    halfvec: { kind: 'json' },
    sparsevec: { kind: 'json' },
  }),
);

const PYTHON = new Map<string, ColumnType>(
  Object.entries({
    bool: { kind: 'string' },
    numeric: { kind: 'string' },
    float8: { kind: 'float32' },
    timestamptz: { kind: 'timestamp' },
  }),
);

const MAX_DECIMAL_DIGITS = 38;

export function columnTypeOf(source: SourceType, mode: TypeMode = 'exact'): ColumnType {
  if (source.isArray || source.category === 'c' || source.category === 'r' || source.category === 'm')
    return { kind: 'json' };
  // A user's type may have any name, so only base types of known names count as known.
  if (source.category !== 'b') return { kind: 'string' };
  if (source.schema !== 'pg_catalog') return EXTENSIONS.get(source.name) ?? { kind: 'string' };
  const python = mode === 'python' ? PYTHON.get(source.name) : undefined;
  if (python !== undefined) return python;
  if (source.name === 'numeric') return numericType(source.modifier);
  return BUILT_IN.get(source.name) ?? { kind: 'string' };
}

/**
 * numeric's type modifier is ((precision << 16) | (scale & 0x7ff)) + 4, the scale signed in 11 bits
 * (PostgreSQL, utils/adt/numeric.c). A negative scale means whole tens; a scale above the precision
 * means leading zeros after the point: both need other digits counted than declared.
 */
function numericType(modifier: number): ColumnType {
  if (modifier < 4) return { kind: 'decimal-unbounded' };
  const packed = modifier - 4;
  const precision = (packed >> 16) & 0xffff;
  const scale = ((packed & 0x7ff) ^ 0x400) - 0x400;
  const digits = scale < 0 ? precision - scale : Math.max(precision, scale);
  if (digits > MAX_DECIMAL_DIGITS) return { kind: 'decimal-unbounded' };
  return { kind: 'decimal', precision: digits, scale: Math.max(scale, 0) };
}
