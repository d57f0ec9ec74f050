import { goldenTypes } from './golden';

const DIGITS_1000 = `${'1234567890'.repeat(99)}123456789.${'1'.repeat(10)}`;
const DIGITS_38 = '9'.repeat(38);

describe('numbers', () => {
  goldenTypes([
    {
      type: 'boolean',
      stored: 'BOOLEAN',
      values: [['t', 'true'], ['f', 'false'], null],
    },
    { type: 'smallint', stored: 'SMALLINT', values: ['-32768', '32767', '0', null] },
    { type: 'integer', stored: 'INTEGER', values: ['-2147483648', '2147483647', '0', null] },
    { type: 'bigint', stored: 'BIGINT', values: ['-9223372036854775808', '9223372036854775807', '0', null] },
    { type: 'oid', stored: 'BIGINT', values: ['0', '4294967295', null] },
    {
      type: 'real',
      stored: 'FLOAT',
      values: [
        ['0', '0', '0.0'],
        ['-0', '-0', '-0.0'],
        '1e-45',
        '3.4028235e+38',
        ['-1.1754944e-38', '-1.1754944e-38'],
        ['0.1', '0.1'],
        ['16777216', '1.6777216e+07', '16777216.0'],
        ['NaN', 'NaN', 'nan'],
        ['Infinity', 'Infinity', 'inf'],
        ['-Infinity', '-Infinity', '-inf'],
        null,
      ],
    },
    {
      type: 'double precision',
      stored: 'DOUBLE',
      values: [
        ['0', '0', '0.0'],
        ['-0', '-0', '-0.0'],
        '5e-324',
        '1.7976931348623157e+308',
        '2.2250738585072014e-308',
        '0.1',
        ['0.30000000000000004', '0.30000000000000004'],
        ['9007199254740993', '9.007199254740992e+15', '9007199254740992.0'],
        ['NaN', 'NaN', 'nan'],
        ['Infinity', 'Infinity', 'inf'],
        ['-Infinity', '-Infinity', '-inf'],
        null,
      ],
    },
    { type: 'numeric(10,2)', stored: 'DECIMAL(10,2)', values: ['-99999999.99', '0.00', ['1.5', '1.50'], null] },
    { type: 'numeric(38,37)', stored: 'DECIMAL(38,37)', values: [`9.${'9'.repeat(37)}`, `-0.${'0'.repeat(36)}1`] },
    { type: 'numeric(38,0)', stored: 'DECIMAL(38,0)', values: [DIGITS_38, `-${DIGITS_38}`] },
    {
      type: 'numeric(38,38)',
      stored: 'DECIMAL(38,38)',
      values: [[`0.${DIGITS_38}`, `0.${DIGITS_38}`, `.${DIGITS_38}`]],
    },
    {
      type: 'numeric(5,-2)',
      since: 15,
      note: 'negative scale',
      stored: 'DECIMAL(7,0)',
      values: [
        ['9999949', '9999900'],
        ['-150', '-200'],
      ],
    },
    {
      type: 'numeric(3,5)',
      since: 15,
      note: 'scale above precision',
      stored: 'DECIMAL(5,5)',
      values: [['0.00999', '0.00999', '.00999']],
    },
    { type: 'numeric(6,2)', note: 'NaN', stored: 'VARCHAR', values: ['NaN', '1234.50', '0.00', null] },
    {
      type: 'numeric(50,10)',
      stored: 'DECIMAL(38,10)',
      values: [`1.${'1'.repeat(10)}`, `-${'9'.repeat(28)}.0000000000`],
    },
    {
      type: 'numeric(50,10)',
      note: 'more than 38 digits',
      stored: 'VARCHAR',
      values: [`${'9'.repeat(40)}.0000000001`],
    },
    { type: 'numeric', note: 'whole', stored: 'DECIMAL(38,0)', values: [DIGITS_38, '0', '-1', null] },
    {
      type: 'numeric',
      note: 'widened',
      stored: 'DECIMAL(38,9)',
      values: [
        ['1', '1', '1.000000000'],
        ['-0.5', '-0.5', '-0.500000000'],
        '1.123456789',
        ['12345678901234567890123456789', '12345678901234567890123456789', '12345678901234567890123456789.000000000'],
      ],
    },
    { type: 'numeric', note: '1,000 digits', stored: 'VARCHAR', values: ['1.5', DIGITS_1000, null] },
    { type: 'numeric', note: 'tiny', stored: 'VARCHAR', values: [['1e-39', `0.${'0'.repeat(38)}1`]] },
    { type: 'numeric', note: 'NaN', stored: 'VARCHAR', values: ['NaN', '1'] },
    { type: 'numeric', since: 14, note: 'infinite', stored: 'VARCHAR', values: ['Infinity', '-Infinity', '1.10'] },
    {
      type: 'money',
      stored: 'DECIMAL(19,2)',
      values: [
        ['-92233720368547758.08', '-$92,233,720,368,547,758.08', '-92233720368547758.08'],
        ['92233720368547758.07', '$92,233,720,368,547,758.07', '92233720368547758.07'],
        ['0', '$0.00', '0.00'],
        null,
      ],
    },
  ]);
});
