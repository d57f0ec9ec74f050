import { serverMajor } from '../../helpers/postgres';
import { goldenTypes, type GoldenValue } from './golden';

/** PostgreSQL's text -> JSON in the warehouse. */
const to = (literal: string, json: unknown, text = literal): GoldenValue => [literal, text, JSON.stringify(json)];
/** JSON as it is written, where spacing or a number's digits matter. */
const raw = (literal: string, json: string, text = literal): GoldenValue => [literal, text, json];
const range = (start: string | null, end: string | null, from: string | null, until: string | null): unknown => ({
  start_value: start,
  end_value: end,
  start_bound: from,
  end_bound: until,
});
/** json_build_object's spacing. */
const rangeText = (...bounds: Parameters<typeof range>): string =>
  JSON.stringify(range(...bounds))
    .replaceAll('":', '" : ')
    .replaceAll(',"', ', "');

const DIGITS = '1234567890'.repeat(100);

describe('JSON and what becomes JSON', () => {
  goldenTypes(
    [
      {
        type: 'json',
        stored: 'JSON',
        values: [
          'null',
          ' {"b" :1.50,\n "a": 1, "a":2} ',
          '1e400',
          DIGITS,
          '"\\u0000"',
          '"\\ud83d\\ude00"',
          '""',
          '[]',
          `${'['.repeat(500)}${']'.repeat(500)}`,
          null,
        ],
      },
      {
        type: 'json',
        note: 'a lone surrogate, which DuckDB refuses',
        stored: 'VARCHAR',
        values: ['"\\ud800"', '{"a":1}'],
      },
      {
        type: 'jsonb',
        stored: 'JSON',
        values: [
          ['{"b":1.50, "a":[1,null,"\\u001f"]}', '{"a": [1, null, "\\u001f"], "b": 1.50}'],
          'null',
          DIGITS,
          null,
        ],
      },
      {
        type: 'integer[]',
        stored: 'JSON',
        values: [
          raw('{}', '[]'),
          to('{1}', [1]),
          to('{1,NULL,3}', [1, null, 3]),
          raw('{{1,2},{3,NULL}}', '[[1,2],[3,null]]'),
          raw('{{{1}},{{2}}}', '[[[1]],[[2]]]'),
          // The first subscripts are no part of JSON.
          raw('[2:3]={1,2}', '[1,2]'),
          null,
        ],
      },
      { type: 'int2vector', stored: 'JSON', values: [raw('1 2', '[1,2]')] },
      { type: 'boolean[]', stored: 'JSON', values: [to('{t,f,NULL}', [true, false, null])] },
      { type: 'bigint[]', stored: 'JSON', values: [raw('{9223372036854775807}', '[9223372036854775807]')] },
      {
        type: 'double precision[]',
        stored: 'JSON',
        values: [raw('{0.1,-0,1e-300,NaN,-Infinity}', '[0.1,-0,1e-300,"NaN","-Infinity"]')],
      },
      { type: 'numeric[]', stored: 'JSON', values: [raw(`{1.50,${DIGITS},NaN}`, `[1.50,${DIGITS},"NaN"]`)] },
      {
        type: 'text[]',
        stored: 'JSON',
        values: [
          to('{"",NULL,"NULL","a,b","{}","\\"q\\"","\\\\"}', ['', null, 'NULL', 'a,b', '{}', '"q"', '\\']),
          raw('{"a\u001db\u001fc"}', '["a\\u001db\\u001fc"]', '{a\u001db\u001fc}'),
          to('{日本,😀}', ['日本', '😀']),
        ],
      },
      { type: 'char(3)[]', stored: 'JSON', values: [to('{a}', ['a  '], '{"a  "}')] },
      { type: 'date[]', stored: 'JSON', values: [to('{"0044-03-15 BC",infinity}', ['0044-03-15 BC', 'infinity'])] },
      {
        type: 'timestamptz[]',
        stored: 'JSON',
        values: [to('{"2024-01-01 00:00:00+00"}', ['2024-01-01T00:00:00+00:00'], '{"2024-01-01 00:00:00+00"}')],
      },
      { type: 'interval[]', stored: 'JSON', values: [to('{"1 day"}', ['1 day'])] },
      { type: 'bytea[]', stored: 'JSON', values: [to('{"\\\\x00ff"}', ['\\x00ff'])] },
      {
        type: 'json[]',
        stored: 'JSON',
        values: [raw('{"{\\"a\\": 1}",null}', '[{"a": 1},null]', '{"{\\"a\\": 1}",NULL}')],
      },
      {
        type: 'uuid[]',
        stored: 'JSON',
        values: [to('{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'])],
      },
      { type: 'point[]', stored: 'JSON', values: [to('{"(1,2)"}', ['(1,2)'])] },
      { type: 'money[]', stored: 'JSON', values: [to('{$1.50}', ['$1.50'])] },
      { type: 'int4range[]', stored: 'JSON', values: [to('{"[1,3)"}', ['[1,3)'])] },
      { type: 'mood[]', stored: 'JSON', values: [to('{happy,NULL}', ['happy', null])] },
      { type: 'whole[]', note: 'array of a domain', stored: 'JSON', values: [to('{1,2}', [1, 2])] },
      { type: 'wholes', note: 'domain over an array', stored: 'JSON', values: [to('{1,2}', [1, 2]), null] },
      {
        type: 'pair',
        note: 'composite',
        stored: 'JSON',
        values: [
          raw('(1,"a ""b"" \u001f")', '{"First":1,"second":"a \\"b\\" \\u001f"}', '(1,"a ""b"" \u001f")'),
          raw('(,)', '{"First":null,"second":null}'),
          null,
        ],
      },
      {
        type: 'nested',
        note: 'composite of composites and arrays',
        stored: 'JSON',
        values: [
          raw(
            '("(1,a)","{""(2,b)"",NULL}",t)',
            '{"one":{"First":1,"second":"a"},"many":[{"First":2,"second":"b"},null],"yes":true}',
          ),
        ],
      },
      { type: 'pair[]', stored: 'JSON', values: [raw('{"(1,a)",NULL}', '[{"First":1,"second":"a"},null]')] },
      {
        type: 'pairs',
        note: 'domain over a composite',
        stored: 'JSON',
        values: [raw('(1,a)', '{"First":1,"second":"a"}')],
      },
      {
        type: 'int4range',
        stored: 'JSON',
        values: [
          raw('[1,5)', rangeText('1', '5', '[', ')')),
          raw('(1,5]', rangeText('2', '6', '[', ')'), '[2,6)'),
          raw('(,)', rangeText(null, null, '(', ')')),
          raw('empty', rangeText(null, null, null, null)),
          null,
        ],
      },
      {
        type: 'int8range',
        stored: 'JSON',
        values: [raw('[-9223372036854775808,)', rangeText('-9223372036854775808', null, '[', ')'))],
      },
      { type: 'numrange', stored: 'JSON', values: [raw('(1.50,2]', rangeText('1.50', '2', '(', ']'))] },
      {
        type: 'daterange',
        stored: 'JSON',
        values: [raw('[2024-01-01,infinity)', rangeText('2024-01-01', 'infinity', '[', ')'))],
      },
      {
        type: 'tsrange',
        stored: 'JSON',
        values: [raw('["2024-01-01 00:00:00",)', rangeText('2024-01-01 00:00:00', null, '[', ')'))],
      },
      {
        type: 'tstzrange',
        stored: 'JSON',
        values: [raw('(,"2024-01-01 00:00:00+00"]', rangeText(null, '2024-01-01 00:00:00+00', '(', ']'))],
      },
      {
        type: 'words',
        note: 'range of text',
        stored: 'JSON',
        values: [raw('["a,b",c)', rangeText('a,b', 'c', '[', ')'))],
      },
      {
        type: 'span',
        note: 'domain over a range',
        stored: 'JSON',
        values: [raw('[1,3)', rangeText('1', '3', '[', ')')), null],
      },
      {
        since: 14,
        type: 'int4multirange',
        stored: 'JSON',
        values: [
          raw('{}', '[]'),
          raw('{[1,2),[5,7)}', `[${rangeText('1', '2', '[', ')')}, ${rangeText('5', '7', '[', ')')}]`),
          raw('{(,)}', `[${rangeText(null, null, '(', ')')}]`),
          null,
        ],
      },
      {
        since: 14,
        type: 'spans',
        note: 'domain over a multirange',
        stored: 'JSON',
        values: [raw('{[1,2)}', `[${rangeText('1', '2', '[', ')')}]`), null],
      },
    ],
    {
      setup: `
        CREATE TYPE mood AS ENUM ('happy', 'sad'); CREATE DOMAIN whole AS int; CREATE DOMAIN wholes AS int[];
        CREATE TYPE pair AS ("First" int, second text); CREATE TYPE nested AS (one pair, many pair[], yes bool);
        CREATE DOMAIN pairs AS pair; CREATE TYPE words AS RANGE (subtype = text);
        CREATE DOMAIN span AS int4range;
        ${serverMajor() >= 14 ? 'CREATE DOMAIN spans AS int4multirange' : ''}`,
    },
  );
});
