import fc from 'fast-check';
import { binaryForm } from '../../../../src/model/binary-values';
import { packedQuerySql, unpackResult, type PackedQuery } from '../../../../src/postgres/read/packed-query';
import { SETTINGS_MADE } from '../../../../src/postgres/connection/session-settings';
import type { Packing, SelectColumn } from '../../../../src/postgres/read/select-list';

const TEXT: SelectColumn = { name: 'note', type: { kind: 'string' }, textExpression: 't."note"::text', nullable: true };
const NUMBER: SelectColumn = { name: 'id', type: { kind: 'int32' }, textExpression: 't."id"::text', nullable: false };

function query(columns: readonly SelectColumn[], packing: Packing = 'plain'): PackedQuery {
  return {
    relation: { schema: 'a"b', name: 'T' },
    columns,
    range: { lo: 2048, hi: 4096 },
    conditions: ['t."x" > 1'],
    packing,
    maxBytes: 1000,
  };
}

/** The row that a server would return for these values of a text column. */
function answer(values: readonly (string | null)[], encoding = 'UTF8'): Record<string, unknown> {
  const cell = values.map((value) => `${value ?? '\u001d'}\u001f`).join('');
  const nonNull = values.filter((value) => value !== null).length;
  return {
    s: SETTINGS_MADE,
    n: values.length,
    k: `{${nonNull}}`,
    // LATIN1 stands for those that take a byte for each character.
    b: String(Buffer.byteLength(cell, encoding === 'UTF8' ? 'utf8' : 'latin1')),
    e: encoding,
    c0: values.length === 0 ? null : cell,
  };
}

test('the statement names, quotes and bounds what it reads', () => {
  const sql = packedQuerySql(query([NUMBER, TEXT]));
  expect(sql).toContain(`FROM ONLY "a""b"."T" AS t WHERE t.ctid >= '(1,0)' AND t.ctid < '(2,0)' AND (t."x" > 1)`);
  expect(sql).toContain('CASE WHEN b <= 1000 THEN c1 END AS c1');
});

test('values are taken as they are, or the batch is not taken at all', () => {
  const value = fc.option(fc.string({ unit: fc.constantFrom('\u001d', '\u001f', '\u001b', 'a', 'é', '😀') }));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), (values) => {
      const result = unpackResult(answer(values), query([TEXT]), 'testing');
      if (result.outcome === 'batch') expect(result.batch.columns[0]?.values()).toEqual(values);
      else
        expect(values.some((text) => text?.includes('\u001f') === true || text?.includes('\u001d') === true)).toBe(
          true,
        );
    }),
  );
});

test('what is not ASCII is never taken for it, whatever the encoding of the server', () => {
  const value = fc.option(
    fc.string({ unit: fc.constantFrom('a', '\u001b', '\u007f', '\u0080', 'é', '\u0142', '日', '😀') }),
  );
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('UTF8', 'LATIN2'),
      (values, encoding) => {
        const result = unpackResult(answer(values, encoding), query([TEXT]), 'testing');
        if (result.outcome !== 'batch') throw new Error('Nothing in it is ambiguous.');
        const [column] = result.batch.columns;
        expect(column?.known.ascii).toBe(encoding === 'UTF8' && !/[^\0-\x7f]/.test(values.join('')));
      },
    ),
  );
});

test('more characters than bytes are never taken', () => {
  const row = answer(['a\nb']);
  expect(() => unpackResult({ ...row, c0: 'a\r\nb\u001f' }, query([TEXT]), 'testing')).toThrow(
    /5 characters for 4 bytes/,
  );
});

test('a cell that was cut short is never taken', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 5 }), { minLength: 1 }), fc.nat(), (values, cut) => {
      const row = answer(values.filter((text) => !/[\u001d\u001f]/.test(text)));
      const cell = row['c0'];
      if (typeof cell !== 'string') return;
      row['c0'] = cell.slice(0, cut % cell.length);
      expect(() => unpackResult(row, query([TEXT]), 'testing')).toThrow(/nothing of it was used/);
    }),
  );
});

test('more bytes than asked for come back as such, with their number', () => {
  expect(unpackResult({ s: SETTINGS_MADE, n: 3, k: '{3}', b: '2000', c0: null }, query([TEXT]), 'testing')).toEqual({
    outcome: 'too-large',
    rows: 3,
    bytes: 2000,
  });
});

test('no rows are an empty batch', () => {
  const result = unpackResult(answer([]), query([TEXT]), 'testing');
  expect(result.outcome === 'batch' && result.batch.rowCount).toBe(0);
});

test('an answer of another form is an error', () => {
  expect(() => unpackResult(undefined, query([TEXT]), 'testing')).toThrow(/unexpected result/);
  expect(() => unpackResult({ n: 'x', b: '1' }, query([TEXT]), 'testing')).toThrow(/unexpected result/);
});

it('a batch that was read under other settings than ours is refused, and the pooler that lost them is named', () => {
  const lost = { n: 1, k: '{1}', b: '1', c0: 'x\u001f', s: SETTINGS_MADE.replace('UTC', 'Asia/Kolkata') };
  expect(() => unpackResult(lost, query([TEXT]), 'testing')).toThrow(/had lost its settings \(while testing\)/);
});

describe('digits', () => {
  const MOMENT: SelectColumn = {
    name: 'at',
    type: { kind: 'timestamp' },
    textExpression: 't."at"::text',
    nullable: true,
    binary: { kind: 'timestamp', reference: 't."at"', expression: 'timestamp_send(t."at")' },
  };
  const RATIO: SelectColumn = {
    name: 'ratio',
    type: { kind: 'float64' },
    textExpression: 't."ratio"::text',
    nullable: true,
    binary: { kind: 'float64', reference: 't."ratio"', expression: 'float8send(t."ratio")' },
  };
  const ONE = '3ff0000000000000';
  const NULL = binaryForm('float64').nullDigits;
  const ask = (column: SelectColumn, cells: string, rows: number, counts = '{}') =>
    unpackResult(
      { s: SETTINGS_MADE, n: rows, k: counts, b: String(cells.length), e: 'UTF8', c0: cells },
      query([column], 'binary'),
      'testing',
    );

  test('only where they are asked for', () => {
    expect(packedQuerySql(query([MOMENT], 'binary'))).toContain(
      `pg_catalog.encode(string_agg(coalesce(timestamp_send(t."at"), pg_catalog.decode('8000000000000001', 'hex')), ''::bytea), 'hex') AS c0`,
    );
    expect(packedQuerySql(query([{ ...MOMENT, nullable: false }], 'binary'))).toContain(
      `pg_catalog.encode(string_agg(timestamp_send(t."at"), ''::bytea), 'hex') AS c0`,
    );
    for (const packing of ['plain', 'escaped'] as const)
      expect(packedQuerySql(query([MOMENT], packing))).not.toContain('send');
  });

  test('NULLs are counted where there may be any', () => {
    const columns = [RATIO, MOMENT, { ...MOMENT, nullable: false }];
    expect(packedQuerySql(query(columns, 'binary'))).toContain('ARRAY[count(t."ratio"), count(t."at")]');
    expect(packedQuerySql(query(columns, 'plain'))).not.toContain('ARRAY[');
  });

  test('columns of which most are NULL are named', () => {
    expect(ask(RATIO, `${NULL}${ONE}`, 2, '{1}')).toMatchObject({ sparse: [] });
    expect(ask(RATIO, `${NULL}${ONE}${NULL}`, 3, '{1}')).toMatchObject({ sparse: ['ratio'] });
  });

  test('a cell is as long as its rows want', () => {
    expect(ask(MOMENT, ONE.repeat(3), 3, '{3}')).toMatchObject({ outcome: 'batch' });
    for (const cell of [ONE.repeat(2), `${ONE.repeat(3)}0`, ONE.repeat(3).slice(1)])
      expect(() => ask(MOMENT, cell, 3)).toThrow('an incomplete value of column at');
  });

  test('what stands for NULL is as often there as the server says, or the batch is read again', () => {
    expect(ask(RATIO, `${NULL}${ONE}${NULL}`, 3, '{1}')).toMatchObject({ outcome: 'batch' });
    expect(ask(RATIO, `${NULL}${ONE}${NULL}`, 3, '{2}')).toEqual({ outcome: 'ambiguous' });
    // Across two values it stands for nothing.
    expect(ask(RATIO, `${ONE.slice(0, 8)}${NULL}${ONE.slice(8)}`, 2, '{2}')).toMatchObject({ outcome: 'batch' });
  });
});
