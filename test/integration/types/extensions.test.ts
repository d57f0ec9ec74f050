import { goldenTypes, type GoldenValue } from './golden';

const raw = (literal: string, json: string, text = literal): GoldenValue => [literal, text, json];

/** A base type whose text form is text's own: all that recognition by name needs. */
const standIn = (schema: string, name: string): string => `
  CREATE TYPE ${schema}.${name};
  CREATE FUNCTION ${schema}.${name}_in(cstring) RETURNS ${schema}.${name} LANGUAGE internal IMMUTABLE STRICT AS 'textin';
  CREATE FUNCTION ${schema}.${name}_out(${schema}.${name}) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
  CREATE TYPE ${schema}.${name} (INPUT = ${schema}.${name}_in, OUTPUT = ${schema}.${name}_out, LIKE = text);`;

describe('extensions that come with PostgreSQL', () => {
  goldenTypes(
    [
      {
        type: '"My ""ext""".hstore',
        stored: 'JSON',
        values: [
          raw(
            '"b"=>"1", "a"=>NULL, ""=>"\u001f"',
            '{"": "\\u001f", "a": null, "b": "1"}',
            '""=>"\u001f", "a"=>NULL, "b"=>"1"',
          ),
          raw('', '{}'),
          null,
        ],
      },
      { type: '"My ""ext""".citext', stored: 'VARCHAR', values: ['MiXed', '', null] },
      { type: '"My ""ext""".ltree', stored: 'VARCHAR', values: ['Top.Science.Astronomy', ''] },
      { type: '"My ""ext""".lquery', stored: 'VARCHAR', values: ['Top.*{,2}.sport@*'] },
      {
        type: '"My ""ext""".cube',
        stored: 'VARCHAR',
        values: [
          ['0.1,2', '(0.1, 2)'],
          ['(1,2),(3,4)', '(1, 2),(3, 4)'],
        ],
      },
      { type: '"My ""ext""".seg', stored: 'VARCHAR', values: [['1.50 .. 2', '1.50 .. 2']] },
      { type: '"My ""ext""".isbn', stored: 'VARCHAR', values: ['0-393-04002-X'] },
      { type: '"My ""ext""".lo', stored: 'BIGINT', values: ['4294967295'] },
    ],
    {
      setup: `CREATE SCHEMA "My ""ext""";
        ${['hstore', 'citext', 'ltree', 'cube', 'seg', 'isn', 'lo']
          .map((name) => `CREATE EXTENSION ${name} SCHEMA "My ""ext""";`)
          .join('')}
        SET search_path = public, "My ""ext"""`,
    },
  );
});

describe("pgvector's types, by name and text form", () => {
  goldenTypes(
    [
      { type: 'ai.vector', stored: 'JSON', values: [raw('[1,-2.5,1e-05]', '[1,-2.5,1e-05]'), null] },
      { type: 'ai.halfvec', stored: 'JSON', values: [raw('[0.5]', '[0.5]')] },
      {
        type: 'ai.sparsevec',
        stored: 'JSON',
        values: [
          raw('{1:1.5,3:-2}/5', '[1.5,0,-2,0,0]'),
          raw('{}/3', '[0,0,0]'),
          raw('{12:1,2:0.25}/12', '[0,0.25,0,0,0,0,0,0,0,0,0,1]'),
          raw('{7:1.5,1000000000:2}/1000000000', '{"dimensions":1000000000,"elements":{"7":1.5,"1000000000":2}}'),
          raw('{}/16001', '{"dimensions":16001,"elements":{}}'),
          null,
        ],
      },
      // A type of one's own that only shares the name.
      { type: 'public.vector', note: 'an enum', stored: 'VARCHAR', values: ['up', null] },
    ],
    {
      setup: `CREATE SCHEMA ai; CREATE TYPE public.vector AS ENUM ('up', 'down');
        ${['vector', 'halfvec', 'sparsevec'].map((name) => standIn('ai', name)).join('')}`,
    },
  );
});

/**
 * Stand-ins for PostGIS: a geometry is text of the form TYPE;FLAG;ARC;GEOJSON, of which the functions return
 * a part each. types-postgis.test.ts has the same with PostGIS itself, where it is installed.
 */
describe("PostGIS's types, through functions of the extension's schema", () => {
  const part = (name: string, at: number, returns: string): string =>
    `CREATE FUNCTION "Geo".${name}(g "Geo".geometry) RETURNS ${returns} LANGUAGE sql IMMUTABLE AS
       $$ SELECT pg_catalog.split_part(g::text, ';', ${at})::${returns} $$;`;
  const json = (type: string): string =>
    `CREATE FUNCTION "Geo".st_asgeojson(g "Geo".${type}, digits int) RETURNS text LANGUAGE sql IMMUTABLE AS
       $$ SELECT pg_catalog.split_part(g::text, ';', 4) $$;`;
  goldenTypes(
    [
      {
        type: '"Geo".geometry',
        stored: 'JSON',
        values: [
          raw('ST_Point;0;f;{"type":"Point"}', '{"type":"Point"}'),
          raw('ST_Point;2;f;{"type":"Point"}', '{"type":"Point"}'),
          // GeoJSON would drop M, and fail on an arc: PostGIS's own text, as a JSON string.
          raw('ST_Point;1;f;', '"ST_Point;1;f;"'),
          raw('ST_CircularString;0;t;', '"ST_CircularString;0;t;"'),
          raw('ST_GeometryCollection;0;t;', '"ST_GeometryCollection;0;t;"'),
          null,
        ],
      },
      {
        type: '"Geo".geometry[]',
        stored: 'JSON',
        values: [
          raw(
            '{"ST_Point;0;f;{}",NULL,ST_Point;1;f;}',
            '[{},null,"ST_Point;1;f;"]',
            '{"ST_Point;0;f;{}",NULL,ST_Point;1;f;}',
          ),
          raw('{{ST_Point;1;f;}}', '[["ST_Point;1;f;"]]'),
          raw('{}', '[]'),
          null,
        ],
      },
      { type: '"Geo".geography', stored: 'JSON', values: [raw('ST_Point;0;f;{"a": 1}', '{"a": 1}'), null] },
    ],
    {
      setup: `CREATE SCHEMA "Geo"; ${standIn('"Geo"', 'geometry')} ${standIn('"Geo"', 'geography')}
        CREATE CAST ("Geo".geography AS "Geo".geometry) WITHOUT FUNCTION;
        ${part('st_geometrytype', 1, 'text')} ${part('st_zmflag', 2, 'int2')} ${part('st_hasarc', 3, 'bool')}
        ${json('geometry')} ${json('geography')}
        CREATE TABLE "Geo".spatial_ref_sys (srid int PRIMARY KEY);
        CREATE FUNCTION "Geo".st_isempty("Geo".geometry) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT false';
        CREATE FUNCTION "Geo".st_srid("Geo".geometry) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 0'`,
    },
  );
});
