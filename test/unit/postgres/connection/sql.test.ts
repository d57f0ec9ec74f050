import { quoteIdentifier, quoteLiteral, quoteQualified } from '../../../../src/postgres/connection/sql';

test('identifiers keep their case, and quotes in them are doubled', () => {
  expect(quoteIdentifier('User')).toBe('"User"');
  expect(quoteQualified('a"b', 'select')).toBe('"a""b"."select"');
});

test('literals mean the same whatever standard_conforming_strings says', () => {
  expect(quoteLiteral(`it's \\ here`)).toBe(`E'it\\'s \\\\ here'`);
});

test('a text that PostgreSQL cannot hold is refused', () => {
  expect(() => quoteLiteral('a\0b')).toThrow(RangeError);
});
