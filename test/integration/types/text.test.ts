import { goldenTypes } from './golden';

const LONG = 'x'.repeat(100_000);
const EVERY_BYTE = `\\x${Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0')).join('')}`;
const asBlob = (hex: string): string =>
  (hex.slice(2).match(/../g) ?? [])
    .map((pair) => {
      const byte = parseInt(pair, 16);
      // DuckDB prints printable ASCII as it is, save for backslash and quotes.
      return byte < 32 || byte > 126 || [0x22, 0x27, 0x5c].includes(byte)
        ? `\\x${pair.toUpperCase()}`
        : String.fromCharCode(byte);
    })
    .join('');

/** Every code point that text may hold, a plane a value: all but NUL and the surrogates. */
const PLANES = Array.from({ length: 17 }, (_, plane) => {
  const points = Array.from({ length: 0x10000 }, (_, offset) => plane * 0x10000 + offset);
  return points
    .filter((point) => point !== 0 && (point < 0xd800 || point > 0xdfff))
    .map((point) => String.fromCodePoint(point))
    .join('');
});

describe('text and what travels as text', () => {
  goldenTypes(
    [
      { type: 'text', stored: 'VARCHAR', values: ['', ' ', '\u001d', '\u001f', '\u001b1', LONG, null] },
      { type: 'text', note: 'every code point', stored: 'VARCHAR', values: PLANES },
      { type: 'varchar', stored: 'VARCHAR', values: ['', 'a  ', LONG] },
      { type: 'varchar(3)', stored: 'VARCHAR', values: ['', 'abc', '日本語'] },
      // Blanks at the end are no part of a char(n)'s value: PostgreSQL compares and casts without them.
      { type: 'char(5)', stored: 'VARCHAR', values: ['ab', '', '  a', 'abcde', null] },
      { type: 'bpchar', stored: 'VARCHAR', values: ['ab', [' b  ', ' b']] },
      { type: '"char"', stored: 'VARCHAR', values: ['a', '', null] },
      { type: 'name', stored: 'VARCHAR', values: ['n'.repeat(63), ''] },
      {
        type: 'bytea',
        stored: 'BLOB',
        values: [
          ['\\x', '\\x', ''],
          [EVERY_BYTE, EVERY_BYTE, asBlob(EVERY_BYTE)],
          ['\\x001f1d1b', '\\x001f1d1b', asBlob('\\x001f1d1b')],
          null,
        ],
      },
      { type: 'bit(3)', stored: 'VARCHAR', values: ['101', '000', null] },
      { type: 'bit varying', stored: 'VARCHAR', values: ['', '1', '1'.repeat(1000)] },
      {
        type: 'uuid',
        stored: 'VARCHAR',
        values: [['A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']],
      },
      {
        type: 'xml',
        stored: 'VARCHAR',
        values: ['<a b="1">x &amp; y</a>', '<?xml version="1.0"?><a/>', 'text only', ''],
      },
      {
        type: 'inet',
        stored: 'VARCHAR',
        values: [
          ['192.168.0.1', '192.168.0.1/32', '192.168.0.1'],
          '10.0.0.0/8',
          '10.1.2.3/24',
          ['::ffff:1.2.3.4', '::ffff:1.2.3.4/128', '::ffff:1.2.3.4'],
          null,
        ],
      },
      { type: 'cidr', stored: 'VARCHAR', values: ['10.0.0.0/8', ['::1', '::1/128']] },
      { type: 'macaddr', stored: 'VARCHAR', values: [['08002b:010203', '08:00:2b:01:02:03']] },
      { type: 'macaddr8', stored: 'VARCHAR', values: ['08:00:2b:01:02:03:04:05'] },
      { type: 'point', stored: 'VARCHAR', values: [['1,-0', '(1,-0)'], ['(NaN,Infinity)', '(NaN,Infinity)'], null] },
      { type: 'line', stored: 'VARCHAR', values: ['{1,-2,3.5}'] },
      { type: 'lseg', stored: 'VARCHAR', values: ['[(1,2),(3,4)]'] },
      { type: 'box', stored: 'VARCHAR', values: [['(1,2),(3,4)', '(3,4),(1,2)']] },
      { type: 'path', stored: 'VARCHAR', values: ['((1,2),(3,4))', '[(1,2),(3,4)]'] },
      { type: 'polygon', stored: 'VARCHAR', values: ['((1,2),(3,4),(5,6))'] },
      { type: 'circle', stored: 'VARCHAR', values: ['<(1,2),0.1>'] },
      { type: 'tsvector', stored: 'VARCHAR', values: ["'a':1A,2B 'it''s':3", ''] },
      { type: 'tsquery', stored: 'VARCHAR', values: ["'a' & !'b' <-> 'c':*AB", ''] },
      { type: 'jsonpath', stored: 'VARCHAR', values: ['$."a"[*]?(@ > 1)'] },
      { type: 'pg_lsn', stored: 'VARCHAR', values: ['16/B374D848', 'FFFFFFFF/FFFFFFFF', '0/0'] },
      { type: 'tid', stored: 'VARCHAR', values: ['(4294967295,65535)', '(0,0)'] },
      { type: 'xid', stored: 'VARCHAR', values: ['4294967295', '0'] },
      { since: 13, type: 'xid8', stored: 'VARCHAR', values: ['18446744073709551615', '0'] },
      { type: 'cid', stored: 'VARCHAR', values: ['4294967295'] },
      { since: 13, type: 'pg_snapshot', stored: 'VARCHAR', values: ['10:20:10,14,15'] },
      { type: 'txid_snapshot', stored: 'VARCHAR', values: ['10:20:10,14,15'] },
      { type: 'refcursor', stored: 'VARCHAR', values: ['c1'] },
      { type: 'aclitem', stored: 'VARCHAR', values: ['postgres=r*/postgres'] },
      {
        type: 'regclass',
        stored: 'VARCHAR',
        values: ['pg_class', '-', ['"Mixed ""Case"""', '"Mixed ""Case"""', 'public."Mixed ""Case"""']],
      },
      { type: 'regtype', stored: 'VARCHAR', values: ['integer', 'character varying[]', '-'] },
      { type: 'regproc', stored: 'VARCHAR', values: ['now', '-'] },
      { type: 'regprocedure', stored: 'VARCHAR', values: ['sum(integer)', '-'] },
      {
        type: 'regoper',
        stored: 'VARCHAR',
        values: [
          ['pg_catalog.||/', '||/'],
          ['0', '0'],
        ],
      },
      { type: 'regoperator', stored: 'VARCHAR', values: ['*(integer,integer)'] },
      { type: 'regrole', stored: 'VARCHAR', values: ['postgres', '-'] },
      { type: 'regnamespace', stored: 'VARCHAR', values: ['pg_catalog'] },
      { type: 'regconfig', stored: 'VARCHAR', values: ['english'] },
      { type: 'regdictionary', stored: 'VARCHAR', values: ['simple'] },
      { since: 13, type: 'regcollation', stored: 'VARCHAR', values: ['"C"', '-'] },
      { type: 'mood', note: 'enum', stored: 'VARCHAR', values: ['', "it's", 'sad \u001f', null] },
      // A cast to text that somebody wrote is not the type's own text.
      { type: 'cast_mood', note: 'enum with a cast', stored: 'VARCHAR', values: [['up', 'shouted UP', 'up'], null] },
      { type: 'domains.whole', note: 'domain over a domain', stored: 'INTEGER', values: ['-5', null] },
      { type: 'domains.price', note: 'domain with a modifier', stored: 'DECIMAL(8,3)', values: ['1.250'] },
      { type: 'domains.label', note: 'domain over varchar', stored: 'VARCHAR', values: ['', 'x'] },
      { type: 'domains.raw', note: 'domain over bytea', stored: 'BLOB', values: [['\\x00', '\\x00', '\\x00']] },
      {
        type: 'domains.at',
        note: 'domain over timestamptz',
        stored: 'TIMESTAMP WITH TIME ZONE',
        values: ['2024-01-01 00:00:00+00'],
      },
      { type: 'domains.feeling', note: 'domain over an enum', stored: 'VARCHAR', values: ["it's"] },
    ],
    {
      setup: `
        CREATE TYPE mood AS ENUM ('', 'it''s', E'sad \\x1f');
        CREATE TYPE cast_mood AS ENUM ('up', 'down');
        CREATE FUNCTION shout(cast_mood) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'shouted ' || pg_catalog.upper(pg_catalog.enum_out($1)::text) $$;
        CREATE CAST (cast_mood AS text) WITH FUNCTION shout(cast_mood);
        CREATE TABLE "Mixed ""Case""" ();
        CREATE SCHEMA domains;
        CREATE DOMAIN domains.number AS int; CREATE DOMAIN domains.whole AS domains.number CHECK (value < 10);
        CREATE DOMAIN domains.price AS numeric(8,3); CREATE DOMAIN domains.label AS varchar(10);
        CREATE DOMAIN domains.raw AS bytea; CREATE DOMAIN domains.at AS timestamptz; CREATE DOMAIN domains.feeling AS mood`,
    },
  );
});
