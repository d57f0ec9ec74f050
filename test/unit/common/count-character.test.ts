import fc from 'fast-check';
import { countCharacter, useLatin1Counter } from '../../../src/common/count-character';
import { nativeLatin1Counter } from '../../../src/native/latin1-counter';

afterEach(() => useLatin1Counter(undefined));

const SEPARATOR = '\u001f';

test('with and without the addon, and whatever the length', () => {
  const ascii = fc.array(fc.constantFrom('a', 'bc', SEPARATOR, SEPARATOR.repeat(300), 'x'.repeat(1000)), {
    maxLength: 500,
  });
  fc.assert(
    fc.property(ascii, (parts) => {
      const text = parts.join('');
      const expected = text.split(SEPARATOR).length - 1;
      useLatin1Counter(undefined);
      expect(countCharacter(text, SEPARATOR, true)).toBe(expected);
      useLatin1Counter(nativeLatin1Counter());
      expect(countCharacter(text, SEPARATOR, true)).toBe(expected);
    }),
  );
});

test('what is not ASCII is not given to the addon', () => {
  const counter = jest.fn(() => 7);
  useLatin1Counter(counter);
  expect(countCharacter(`ğ${SEPARATOR}`, SEPARATOR, false)).toBe(1);
  expect(counter).not.toHaveBeenCalled();
  expect(countCharacter('a', SEPARATOR, true)).toBe(7);
});
