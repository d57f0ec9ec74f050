import { nativeColumnDecoder } from '../../../src/native/column-decoder';

describe('the addon called wrongly', () => {
  const native = nativeColumnDecoder()?.decode as unknown as (...args: unknown[]) => unknown;
  const column = {
    kind: 3,
    precision: 0,
    scale: 0,
    nullable: true,
    digits: false,
    escaped: false,
    ascii: false,
    text: '1',
  };
  const arena = new ArrayBuffer(256);

  it('takes what is right', async () => {
    expect(await native(1, [column], arena, 0)).toEqual(new Float64Array([1, 16, -1, 20]));
  });

  it('puts a text that is ASCII before its vectors', async () => {
    expect(await native(1, [{ ...column, ascii: true }], arena, 0)).toEqual(new Float64Array([1, 32, -1, 36]));
    expect(new Uint8Array(arena)[0]).toBe('1'.charCodeAt(0));
  });

  it('leaves what is before its place in the arena', async () => {
    const full = new Uint8Array(256).fill(7);
    expect(await native(1, [column], full.buffer, 24)).toEqual(new Float64Array([1, 48, -1, 52]));
    expect(full.subarray(0, 24)).toEqual(new Uint8Array(24).fill(7));
  });

  it.each([
    ['nothing', []],
    ['no rows', [0, [column], arena, 0]],
    ['columns that are no list', [1, column, arena, 0]],
    ['a column that is none', [1, [null], arena, 0]],
    ['a column without text', [1, [{ ...column, text: undefined }], arena, 0]],
    ['a column that may be ASCII or not', [1, [{ ...column, ascii: undefined }], arena, 0]],
    ['a column of digits or not', [1, [{ ...column, digits: undefined }], arena, 0]],
    ['a kind that does not exist', [1, [{ ...column, kind: 15 }], arena, 0]],
    ['digits of what is no decimal', [1, [{ ...column, precision: 1 }], arena, 0]],
    ['a decimal without digits', [1, [{ ...column, kind: 7 }], arena, 0]],
    ['more digits than its integers hold', [1, [{ ...column, kind: 7, precision: 5 }], arena, 0]],
    ['more digits after the point than there are', [1, [{ ...column, kind: 7, precision: 3, scale: 4 }], arena, 0]],
    ['an arena that is none', [1, [column], new Uint8Array(256), 0]],
    ['an arena without room', [1, [column], new ArrayBuffer(16), 0]],
    ['a place without room', [1, [column], arena, 250]],
    ['a place outside', [1, [column], arena, 512]],
    ['no place', [1, [column], arena]],
  ])('refuses %s', (_what, args) => {
    expect(() => native(...args)).toThrow('was called wrongly');
  });
});
