import * as fc from 'fast-check';
import { KeySet } from '../../../../src/postgres/log/key-set';

/** A key as a message has it: lengths and texts, with where each length stands. */
function source(key: readonly string[]): { readonly bytes: Buffer; readonly places: readonly number[] } {
  const places: number[] = [];
  const parts = [Buffer.from('before')];
  let place = 6;
  for (const value of key) {
    const content = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(content.length);
    places.push(place);
    parts.push(length, content);
    place += 4 + content.length;
  }
  return { bytes: Buffer.concat(parts), places };
}

function keysOf(set: KeySet, atOnce = 3): string[][] {
  const keys: string[][] = [];
  for (const columns of set.chunks(() => atOnce)) {
    const [first = []] = columns;
    expect(first.length).toBeLessThanOrEqual(atOnce);
    first.forEach((_, row) => keys.push(columns.map((texts) => texts[row] ?? '')));
  }
  return keys;
}

it('holds every key once, in the order in which it came, whatever the texts are', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }).chain((columns) =>
        fc.array(
          fc.array(fc.oneof(fc.constantFrom('', '1', '11', '\u001f', 'ä'), fc.string()), {
            minLength: columns,
            maxLength: columns,
          }),
          {
            minLength: 1,
            maxLength: 60,
          },
        ),
      ),
      (keys) => {
        const set = new KeySet(keys[0]?.length ?? 0);
        for (const key of keys) {
          const { bytes, places } = source(key);
          set.add(bytes, places);
        }
        const unique = new Map(
          keys.map((key) => [JSON.stringify(key.map((text) => Buffer.from(text).toString())), key]),
        );
        expect(set.size).toBe(unique.size);
        expect(keysOf(set).map((key) => JSON.stringify(key))).toEqual([...unique.keys()]);
      },
    ),
  );
});

it('tells keys apart that are one text when joined', () => {
  const set = new KeySet(2);
  for (const key of [
    ['1', '23'],
    ['12', '3'],
    ['', '123'],
    ['123', ''],
  ]) {
    const { bytes, places } = source(key);
    set.add(bytes, places);
  }
  expect(set.size).toBe(4);
});

it('takes little more than the texts of its keys', () => {
  const set = new KeySet(1);
  const { bytes, places } = source(['10000000']);
  for (let id = 0; id < 100_000; id += 1) {
    bytes.write(String(10_000_000 + id), (places[0] ?? 0) + 4);
    set.add(bytes, places);
    set.add(bytes, places);
  }
  expect(set.size).toBe(100_000);
  expect(set.allocatedBytes).toBeLessThan(4_500_000);
  expect(keysOf(set, 100_000)[99_999]).toEqual(['10099999']);
});

it('gives the memory of its table back when it is complete, and still has its keys', () => {
  const set = new KeySet(1);
  for (let key = 0; key < 10_000; key += 1) {
    const { bytes, places } = source([String(key)]);
    set.add(bytes, places);
  }
  const before = set.allocatedBytes;
  set.complete();
  expect(before - set.allocatedBytes).toBeGreaterThan(10_000 * 4);
  expect(set.size).toBe(10_000);
  expect(keysOf(set, 4_000)).toEqual(Array.from({ length: 10_000 }, (_, key) => [String(key)]));
});
