import type { DestinationTable } from '../../../../../src/destinations/destination';
import { VECTOR_KINDS, type ColumnDecoder } from '../../../../../src/model/column-decoding';
import { PackedBatch, PackedColumn, packValues, type KnownText } from '../../../../../src/model/packed-batch';
import { nativeColumnDecoder } from '../../../../../src/native/column-decoder';
import { withDestination } from '../../../../helpers/duckdb-destination';

/** Kinds that the addon is asked for, by batch, when a table of so many integers and a text of that length is written. */
async function kindsAskedFor(integers: number, textLength: number, primaryKey: readonly string[]): Promise<string[][]> {
  const decoder = nativeColumnDecoder();
  if (decoder === undefined) throw new Error('The addon was not built.');
  const asked: string[][] = [];
  const decode: ColumnDecoder['decode'] = (rows, columns, arena, from) => {
    asked.push(columns.map(({ kind }) => VECTOR_KINDS[kind] ?? ''));
    return decoder.decode(rows, columns, arena, from);
  };
  const names = Array.from({ length: integers }, (_, index) => `i${index}`);
  const table: DestinationTable = {
    key: 'public.t',
    name: 't',
    columns: [
      ...names.map((name) => ({ name, type: { kind: 'int32' as const } })),
      { name: 't', type: { kind: 'string' } },
    ],
    primaryKey,
    keysMayRepeat: false,
    keepDeletedRows: true,
  };
  const batch = new PackedBatch(2, [
    ...names.map(() => packValues(['1', '2'])),
    packValues(['x'.repeat(textLength), null]),
  ]);
  await withDestination(
    async (destination) => {
      await destination.beginLoad(table, { startedAt: new Date() }, false);
      await destination.write(table, batch);
      expect(await destination.finishLoad(table)).toMatchObject({ rows: 2, deleted: 0 });
    },
    { ...decoder, decode },
  );
  return asked;
}

it('the addon is asked, by the types of the warehouse', async () => {
  expect(await kindsAskedFor(3, 1, ['i0'])).toEqual([['int32', 'int32', 'int32', 'text']]);
});

it('what is known of a text is told to it', async () => {
  const decoder = nativeColumnDecoder();
  if (decoder === undefined) throw new Error('The addon was not built.');
  const told: boolean[] = [];
  const decode: ColumnDecoder['decode'] = (rows, columns, arena, from) => {
    told.push(...columns.map(({ ascii }) => ascii));
    return decoder.decode(rows, columns, arena, from);
  };
  const columns = ['a', 'b'].map((name) => ({ name, type: { kind: 'string' as const } }));
  const table = { key: 'public.k', name: 'k', columns, primaryKey: ['a'], keysMayRepeat: false, keepDeletedRows: true };
  await withDestination(
    async (destination) => {
      await destination.beginLoad(table, { startedAt: new Date() }, false);
      const known = new PackedColumn('x', 1, false, 'plain', { ascii: true });
      await destination.write(table, new PackedBatch(1, [known, packValues(['é'])]));
      expect(await destination.finishLoad(table)).toMatchObject({ rows: 1, deleted: 0 });
    },
    { ...decoder, decode },
  );
  expect(told).toEqual([true, false]);
});

it('an addon that does not know this DuckDB is left out, with a warning', async () => {
  const decoder = nativeColumnDecoder();
  if (decoder === undefined) throw new Error('The addon was not built.');
  const registerRows = (): never => {
    throw new TypeError('The native addon does not know this version of DuckDB.');
  };
  const columns = [{ name: 'a', type: { kind: 'int32' as const } }];
  const table = { key: 'public.k', name: 'k', columns, primaryKey: ['a'], keysMayRepeat: false, keepDeletedRows: true };
  await withDestination(
    async (destination, warnings) => {
      expect(warnings).toEqual([
        'Batches are taken apart by DuckDB, which takes longer: ' +
          'The native addon does not know this version of DuckDB. Install pgsluice anew.',
      ]);
      await destination.beginLoad(table, { startedAt: new Date() }, false);
      await destination.write(table, new PackedBatch(2, [packValues(['1', '2'])]));
      expect(await destination.finishLoad(table)).toMatchObject({ rows: 2, deleted: 0 });
    },
    { ...decoder, registerRows },
  );
});

it('digits of floats are never taken for their text', async () => {
  const columns = [
    { name: 'a', type: { kind: 'int32' as const } },
    { name: 'f', type: { kind: 'float64' as const } },
  ];
  const keyless = { key: 'public.f', name: 'f', columns, primaryKey: [], keysMayRepeat: false, keepDeletedRows: true };
  const batch = new PackedBatch(1, [packValues(['1']), new PackedColumn('3ff0000000000000', 1, true, 'float64')]);
  for (const [table, decode] of [
    [keyless, nativeColumnDecoder()],
    [{ ...keyless, primaryKey: ['a'] }, undefined],
  ] as const)
    await withDestination(async (destination) => {
      expect(destination.takesBinary(table)).toBe(false);
      await destination.beginLoad(table, { startedAt: new Date() }, false);
      expect(destination.takesBinary(table)).toBe(false);
      await expect(destination.write(table, batch)).rejects.toThrow('in a form that its table does not take');
    }, decode);
});

it('for texts where they are what identifies a row', async () => {
  expect(await kindsAskedFor(3, 1, [])).toEqual([['text', 'text', 'text', 'text']]);
});

describe('JSON', () => {
  const table: DestinationTable = {
    key: 'public.j',
    name: 'j',
    columns: [
      { name: 'id', type: { kind: 'int32' } },
      { name: 'j', type: { kind: 'json' } },
    ],
    primaryKey: ['id'],
    keysMayRepeat: false,
    keepDeletedRows: true,
  };
  // Not JSON: whether it is parsed shows in what becomes of it.
  const texts = ['{"a": 1}', '{"a": '];

  async function load(known: KnownText): Promise<void> {
    const { text, rowCount } = packValues(texts);
    const batch = new PackedBatch(2, [packValues(['1', '2']), new PackedColumn(text, rowCount, true, 'plain', known)]);
    await withDestination(async (destination) => {
      await destination.beginLoad(table, { startedAt: new Date() }, false);
      await destination.write(table, batch);
      expect(await destination.finishLoad(table)).toMatchObject({ rows: 2, deleted: 0 });
    }, nativeColumnDecoder());
  }

  it('is not parsed again where the server has', async () => {
    await load({ json: true });
  });

  it('is parsed where anything else may have written it', async () => {
    await expect(load({})).rejects.toThrow('A value does not fit the warehouse');
    await expect(load({ ascii: true })).rejects.toThrow('A value does not fit the warehouse');
  });
});
