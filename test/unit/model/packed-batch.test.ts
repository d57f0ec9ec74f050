import fc from 'fast-check';
import { packValues } from '../../../src/model/packed-batch';

/** Texts rich in the packing's own characters. */
const hostile = fc.string({ unit: fc.constantFrom('\u001b', '\u001d', '\u001f', '0', '1', '2', 'a', '😀', '') });

test('any values come back as they went in', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.oneof(hostile, fc.string()))), (values) => {
      expect(packValues(values).values()).toEqual(values);
    }),
  );
});

test('an empty text is not NULL, and no rows are not one row', () => {
  expect(packValues(['', null, '']).values()).toEqual(['', null, '']);
  expect(packValues([]).values()).toEqual([]);
  expect(packValues(['']).values()).toEqual(['']);
});

test('a text that is the NULL marker itself stays a text', () => {
  expect(packValues(['\u001d', null]).values()).toEqual(['\u001d', null]);
});
