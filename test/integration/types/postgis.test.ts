import { findPostgis, startPostgis } from '../../helpers/postgis-server';
import { describeWhere, type ServerProcess } from '../../helpers/server-process';
import { goldenTypes, type GoldenValue } from './golden';

const PROGRAMS = findPostgis();

/** PostGIS's text (hex EWKB) -> GeoJSON. */
const geo = (wkt: string, hex: string, json: unknown): GoldenValue => [wkt, hex, JSON.stringify(json)];
/** What GeoJSON cannot say stays as it is, a JSON string. */
const own = (wkt: string, hex: string): GoldenValue => [wkt, hex, JSON.stringify(hex)];

describeWhere(
  PROGRAMS === undefined ? 'PostgreSQL with PostGIS (apt-get install postgresql-15-postgis-3)' : undefined,
  'PostGIS itself',
  () => {
    let server: ServerProcess;
    beforeAll(async () => {
      server = await startPostgis(PROGRAMS ?? '');
    });
    afterAll(() => server.close());

    goldenTypes(
      [
        {
          type: 'geometry',
          stored: 'JSON',
          values: [
            geo('POINT(1 2)', '0101000000000000000000F03F0000000000000040', { type: 'Point', coordinates: [1, 2] }),
            geo('POINT(0.1 1e-300)', '01010000009A9999999999B93F59F3F8C21F6EA501', {
              type: 'Point',
              coordinates: [0.1, 1e-300],
            }),
            geo('POINT(0.12345678901234566 -1.5e+300)', '01010000005EF64637DD9ABF3F355800662DEB41FE', {
              type: 'Point',
              coordinates: [0.12345678901234566, -1.5e300],
            }),
            geo('POINT Z (1 2 3)', '0101000080000000000000F03F00000000000000400000000000000840', {
              type: 'Point',
              coordinates: [1, 2, 3],
            }),
            geo('POINT EMPTY', '0101000000000000000000F87F000000000000F87F', { type: 'Point', coordinates: [] }),
            geo(
              'SRID=4326;LINESTRING(1 2,3 4)',
              '0102000020E610000002000000000000000000F03F000000000000004000000000000008400000000000001040',
              {
                type: 'LineString',
                coordinates: [
                  [1, 2],
                  [3, 4],
                ],
              },
            ),
            geo('SRID=3857;POINT(1 2)', '0101000020110F0000000000000000F03F0000000000000040', {
              type: 'Point',
              crs: { type: 'name', properties: { name: 'EPSG:3857' } },
              coordinates: [1, 2],
            }),
            geo(
              'GEOMETRYCOLLECTION(POINT(1 2),LINESTRING EMPTY)',
              '0107000000020000000101000000000000000000F03F0000000000000040010200000000000000',
              {
                type: 'GeometryCollection',
                geometries: [
                  { type: 'Point', coordinates: [1, 2] },
                  { type: 'LineString', coordinates: [] },
                ],
              },
            ),
            own('POINT M (1 2 3)', '0101000040000000000000F03F00000000000000400000000000000840'),
            own('POINT ZM (1 2 3 4)', '01010000C0000000000000F03F000000000000004000000000000008400000000000001040'),
            own('POINT Z EMPTY', '0101000080000000000000F87F000000000000F87F000000000000F87F'),
            own('POINT(NaN 1)', '0101000000000000000000F87F000000000000F03F'),
            own(
              'MULTIPOINT(1 2,EMPTY)',
              '0104000000020000000101000000000000000000F03F00000000000000400101000000000000000000F87F000000000000F87F',
            ),
            geo('MULTIPOLYGON EMPTY', '010600000000000000', { type: 'MultiPolygon', coordinates: [] }),
            own('MULTIPOLYGON(EMPTY)', '010600000001000000010300000000000000'),
            own('SRID=990000;POINT(1 2)', '0101000020301B0F00000000000000F03F0000000000000040'),
            own(
              'CIRCULARSTRING(0 0,1 1,1 0)',
              '01080000000300000000000000000000000000000000000000000000000000F03F000000000000F03F000000000000F03F0000000000000000',
            ),
            own(
              'TRIANGLE((0 0,1 1,1 0,0 0))',
              '0111000000010000000400000000000000000000000000000000000000000000000000F03F000000000000F03F000000000000F03F000000000000000000000000000000000000000000000000',
            ),
            null,
          ],
        },
        {
          type: 'geography',
          stored: 'JSON',
          values: [
            geo('POINT(-71.5 42.25)', '0101000020E61000000000000000E051C00000000000204540', {
              type: 'Point',
              coordinates: [-71.5, 42.25],
            }),
            null,
          ],
        },
        {
          type: 'geometry(PointZ,4326)',
          stored: 'JSON',
          values: [
            geo('SRID=4326;POINT Z (1 2 3)', '01010000A0E6100000000000000000F03F00000000000000400000000000000840', {
              type: 'Point',
              coordinates: [1, 2, 3],
            }),
          ],
        },
        {
          type: 'geometry[]',
          stored: 'JSON',
          values: [
            [
              '{POINT(0.12345678901234566 2):NULL:CIRCULARSTRING EMPTY}',
              '{01010000005EF64637DD9ABF3F0000000000000040:NULL:010800000000000000}',
              '[{"type":"Point","coordinates":[0.12345678901234566,2]},null,"010800000000000000"]',
            ],
            ['{}', '{}', '[]'],
            null,
          ],
        },
        // Within a composite to_json writes a geometry, with 15 digits; what is then no JSON makes the column text.
        {
          type: 'place',
          stored: 'JSON',
          values: [
            [
              '(a,"POINT(1 2)")',
              '(a,0101000000000000000000F03F0000000000000040)',
              '{"name":"a","spot":{"type":"Point","coordinates":[1,2]}}',
            ],
            null,
          ],
        },
        {
          type: 'place',
          note: 'that is no JSON',
          stored: 'VARCHAR',
          values: [
            [
              '(a,"MULTIPOINT(EMPTY,1 2)")',
              '(a,0104000000020000000101000000000000000000F87F000000000000F87F0101000000000000000000F03F0000000000000040)',
              '{"name":"a","spot":{"type":"MultiPoint","coordinates":[,[1,2]]}}',
            ],
          ],
        },
        { type: 'box2d', stored: 'VARCHAR', values: ['BOX(1 2,3 4)'] },
      ],
      {
        database: () => ({ server }),
        setup: `CREATE SCHEMA "My gis"; CREATE EXTENSION postgis SCHEMA "My gis"; SET search_path = public, "My gis";
          CREATE TYPE place AS (name text, spot geometry)`,
      },
    );
  },
);
