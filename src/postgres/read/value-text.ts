/**
 * The SQL that turns a value into text without loss: PostgreSQL's own text, or JSON.
 *
 * Every expression works with an empty search_path: functions and types are qualified, save for casts to
 * types of pg_catalog.
 */
import type { ColumnType } from '../../model/column-type';
import type { SourceType } from '../../model/table';
import { quoteIdentifier } from '../connection';

/** SQL of type text for the value `reference`; NULL where it is NULL. */
export function valueText(reference: string, source: SourceType, type: ColumnType): string {
  if (source.isArray && source.schema !== 'pg_catalog' && GEO_ARRAYS.has(source.name))
    return geoJsonList(reference, source.schema);
  // to_json is strict: NULL stays NULL.
  if (source.isArray || source.category === 'c') return `pg_catalog.to_json(${reference})::text`;
  if (source.category === 'r') return rangeJson(reference);
  if (source.category === 'm') return multirangeJson(reference);
  if (source.category !== 'b') return ownText(reference);
  return source.schema === 'pg_catalog'
    ? builtInText(reference, source.name, type)
    : extensionText(reference, source, type);
}

/** A number's text; the same for 1, 1.0 and 1.00. */
export function withoutTrailingZeros(text: string): string {
  return `CASE WHEN strpos(${text}, '.') > 0 THEN rtrim(rtrim(${text}, '0'), '.') ELSE ${text} END`;
}

/** The text that the type itself writes: ::text would be another text where a user has made a cast to text. */
function ownText(reference: string): string {
  return `CASE WHEN ${reference} IS NOT NULL THEN pg_catalog.concat(${reference}) END`;
}

function builtInText(reference: string, name: string, type: ColumnType): string {
  if (name === 'money') return `${reference}::numeric::text`;
  // inet's usual text; ::text adds the length of the netmask to every address.
  if (name === 'inet') return ownText(reference);
  // The text that the Python connector wrote (`type_mode` python) instead of the value itself.
  if (name === 'bool' && type.kind === 'string') return `${reference}::int4::text`;
  if (name === 'timestamptz' && type.kind === 'timestamp') return `pg_catalog.timezone('UTC', ${reference})::text`;
  if (name === 'float8' && type.kind === 'float32') return narrowedFloat(reference);
  return `${reference}::text`;
}

/** Beyond half a step past the largest float4 a cast would fail, as it would at or below half the smallest one. */
const FLOAT4_OVERFLOW = '3.4028235677973366e+38';
const FLOAT4_UNDERFLOW = '7.006492321624085e-46';

/** float8 rounded to float4, which PostgreSQL refuses where it yields an infinity or zero. NaN passes both tests' ELSE. */
function narrowedFloat(x: string): string {
  return (
    `CASE WHEN ${x} = 'NaN' THEN 'NaN' WHEN ${x} >= ${FLOAT4_OVERFLOW} THEN 'Infinity' WHEN ${x} <= -${FLOAT4_OVERFLOW} THEN '-Infinity' ` +
    `WHEN pg_catalog.abs(${x}) <= ${FLOAT4_UNDERFLOW} THEN CASE WHEN ${x}::text ~ '^-' THEN '-0' ELSE '0' END ELSE ${x}::float4::text END`
  );
}

function extensionText(reference: string, source: SourceType, type: ColumnType): string {
  if (type.kind !== 'json') return ownText(reference);
  switch (source.name) {
    // The extension's own cast; its functions may live in any schema, casts are found everywhere.
    case 'hstore':
      return `${reference}::json::text`;
    case 'geometry':
    case 'geography':
      return geoJson(reference, source.schema);
    case 'sparsevec':
      return denseVector(`${reference}::text`);
    default:
      // vector and halfvec print as JSON arrays by themselves: [1,2.5]
      return `${reference}::text`;
  }
}

/** As many digits after the point as a float8 ever needs; ST_AsGeoJSON's default of 9 rounds. */
const GEOJSON_DIGITS = 40;
const GEOJSON_TYPES = ['Point', 'LineString', 'Polygon', 'MultiPoint', 'MultiLineString', 'MultiPolygon'];

/** The longest hex EWKB of an empty geometry without parts, save a point: byte order, type, SRID, count. */
const EMPTY_DIGITS = 26;
/** Coordinates that are no numbers in JSON, and empty parts, of which ST_AsGeoJSON leaves nothing between two commas. */
const NO_JSON = 'NaN|nan|[Ii]nf|[[],|,[]]|,,';

/**
 * PostGIS, from whatever schema it lives in. GeoJSON has no curves, surfaces and measures (M): ST_AsGeoJSON
 * fails on the first two and drops the last; it fails on coordinate systems that nobody described, writes
 * coordinates that are no JSON, and forgets what an empty geometry was made of. Such values become a JSON
 * string with PostGIS's own text (hex EWKB).
 */
function geoJson(reference: string, schema: string): string {
  const call = (name: string, ...parameters: string[]): string =>
    `${quoteIdentifier(schema)}.${name}(${parameters.join(', ')})`;
  const geometry = `${reference}::${quoteIdentifier(schema)}.geometry`;
  const types = [...GEOJSON_TYPES, 'GeometryCollection'].map((type) => `'ST_${type}'`).join(', ');
  const own = `pg_catalog.to_json(${reference}::text)::text`;
  const type = call('st_geometrytype', geometry);
  const size = `pg_catalog.octet_length(${geometry}::text)`;
  const dimensions = call('st_zmflag', geometry);
  const srid = call('st_srid', geometry);
  const conditions = [
    `${type} IN (${types})`,
    `${dimensions} IN (0, 2)`,
    `NOT ${call('st_hasarc', geometry)}`,
    `NOT (${call('st_isempty', geometry)} AND (${dimensions} <> 0 OR ${type} <> 'ST_Point' AND ${size} > ${EMPTY_DIGITS}))`,
    `(${srid} IN (0, 4326) OR EXISTS (SELECT FROM ${quoteIdentifier(schema)}.spatial_ref_sys AS r WHERE r.srid = ${srid}))`,
  ];
  // OFFSET 0 keeps the text from being made twice.
  return (
    `CASE WHEN ${conditions.join(' AND ')} THEN (SELECT CASE WHEN g.j ~ '${NO_JSON}' THEN ${own} ELSE g.j END ` +
    `FROM (SELECT ${call('st_asgeojson', reference, String(GEOJSON_DIGITS))} AS j OFFSET 0) AS g) ELSE ${own} END`
  );
}

const GEO_ARRAYS: ReadonlySet<string> = new Set(['_geometry', '_geography']);

/** to_json would round coordinates and fail on curves. Arrays of more dimensions are rare: elements as PostGIS's text. */
function geoJsonList(reference: string, schema: string): string {
  const element = `coalesce(${geoJson('e.v', schema)}, 'null')`;
  const list =
    `(SELECT '[' || coalesce(pg_catalog.string_agg(${element}, ',' ORDER BY e.n), '') || ']' ` +
    `FROM pg_catalog.unnest(${reference}) WITH ORDINALITY AS e(v, n))`;
  return (
    `CASE WHEN ${reference} IS NULL THEN NULL WHEN pg_catalog.array_ndims(${reference}) > 1 ` +
    `THEN pg_catalog.to_json(${reference}::text[])::text ELSE ${list} END`
  );
}

/** The most dimensions that pgvector's own dense types have. */
const DENSE_DIMENSIONS = 16000;

/**
 * `{1:1.5,3:2}/5` -> `[1.5,0,2,0,0]`. A vector with more dimensions than a dense one may have becomes its elements by
 * number.
 */
function denseVector(text: string): string {
  const dimensions = `pg_catalog.split_part(${text}, '/', 2)`;
  const elements = `pg_catalog.btrim(pg_catalog.split_part(${text}, '/', 1), '{}')`;
  const pairs = `pg_catalog.unnest(pg_catalog.string_to_array(${elements}, ',')) AS p`;
  const dense =
    `'[' || (SELECT pg_catalog.string_agg(coalesce(e.value, '0'), ',' ORDER BY i) FROM pg_catalog.generate_series(1, ${dimensions}::int4) AS i ` +
    `LEFT JOIN (SELECT pg_catalog.split_part(p, ':', 1)::int4 AS place, pg_catalog.split_part(p, ':', 2) AS value FROM ${pairs}) AS e ON e.place = i) || ']'`;
  const sparse =
    `'{"dimensions":' || ${dimensions} || ',"elements":{' || (SELECT coalesce(pg_catalog.string_agg('"' || ` +
    `pg_catalog.replace(p, ':', '":'), ','), '') FROM ${pairs}) || '}}'`;
  return `CASE WHEN ${dimensions}::int4 <= ${DENSE_DIMENSIONS} THEN ${dense} ELSE ${sparse} END`;
}

/** Ranges in Fivetran's documented form; an unbounded side is null, and an empty range has no bounds at all. */
function rangeJson(range: string): string {
  const bound = (side: 'lower' | 'upper'): string => `pg_catalog.${side}(${range})::text`;
  const mark = (side: 'lower' | 'upper', inclusive: string, exclusive: string): string =>
    `CASE WHEN pg_catalog.isempty(${range}) THEN NULL WHEN pg_catalog.${side}_inc(${range}) THEN '${inclusive}' ELSE '${exclusive}' END`;
  return (
    `CASE WHEN ${range} IS NULL THEN NULL ELSE pg_catalog.json_build_object(` +
    `'start_value', ${bound('lower')}, 'end_value', ${bound('upper')}, ` +
    `'start_bound', ${mark('lower', '[', '(')}, 'end_bound', ${mark('upper', ']', ')')})::text END`
  );
}

function multirangeJson(multirange: string): string {
  return (
    `CASE WHEN ${multirange} IS NULL THEN NULL ELSE (SELECT coalesce(pg_catalog.json_agg((${rangeJson('r')})::json), '[]'::json)::text ` +
    `FROM pg_catalog.unnest(${multirange}) AS r) END`
  );
}
