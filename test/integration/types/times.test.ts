import { goldenTypes, type GoldenValue } from './golden';

const ZONED: readonly GoldenValue[] = [
  ['2024-02-29 12:00:00.123456+05:30', '2024-02-29 06:30:00.123456+00'],
  // Local mean time, 4:56:02 behind.
  ['1883-11-18 11:00:00 America/New_York', '1883-11-18 15:56:02+00'],
  '0001-01-01 00:00:00+00',
  ['0044-03-15 10:00:00.5+00 BC', '0044-03-15 10:00:00.5+00 BC', '0044-03-15 (BC) 10:00:00.5+00'],
  ['4713-11-24 00:00:00+00 BC', '4713-11-24 00:00:00+00 BC', '4713-11-24 (BC) 00:00:00+00'],
  '20000-06-15 01:02:03+00',
  '294246-06-15 12:00:00+00',
  'infinity',
  '-infinity',
];

describe('dates and times', () => {
  goldenTypes([
    {
      type: 'date',
      stored: 'DATE',
      values: [
        '2024-02-29',
        '0001-01-01',
        ['0001-12-31 BC', '0001-12-31 BC', '0001-12-31 (BC)'],
        ['0044-03-15 BC', '0044-03-15 BC', '0044-03-15 (BC)'],
        ['4713-11-24 BC', '4713-11-24 BC', '4713-11-24 (BC)'],
        '9999-12-31',
        '10000-01-01',
        '5874897-12-31',
        'infinity',
        '-infinity',
        null,
      ],
    },
    {
      type: 'time',
      stored: 'VARCHAR',
      values: ['00:00:00', '24:00:00', '23:59:59.999999', ['12:00', '12:00:00'], ['12:00:00.100', '12:00:00.1'], null],
    },
    {
      type: 'timetz',
      stored: 'VARCHAR',
      values: ['24:00:00+00', '00:00:00+15:59:59', '23:59:59.999999-15:59:59', ['12:00+05:30', '12:00:00+05:30'], null],
    },
    {
      type: 'timestamp',
      stored: 'TIMESTAMP',
      values: [
        '2024-02-29 23:59:59.999999',
        ['2016-12-31 23:59:60', '2017-01-01 00:00:00'],
        ['1999-12-31 24:00:00', '2000-01-01 00:00:00'],
        '0001-01-01 00:00:00',
        ['0044-03-15 10:00:00.000001 BC', '0044-03-15 10:00:00.000001 BC', '0044-03-15 (BC) 10:00:00.000001'],
        ['4713-11-24 00:00:00 BC', '4713-11-24 00:00:00 BC', '4713-11-24 (BC) 00:00:00'],
        '10000-01-01 00:00:00',
        '294246-12-31 23:59:59.999999',
        'infinity',
        '-infinity',
        null,
      ],
    },
    { type: 'timestamp(3)', stored: 'TIMESTAMP', values: [['2024-01-01 00:00:00.0006', '2024-01-01 00:00:00.001']] },
    {
      type: 'timestamp',
      note: 'after 294246',
      stored: 'VARCHAR',
      values: ['294276-12-31 23:59:59.999999', 'infinity'],
    },
    { type: 'timestamptz', stored: 'TIMESTAMP WITH TIME ZONE', values: [...ZONED, null] },
    {
      type: 'timestamptz',
      note: 'after 294246',
      stored: 'VARCHAR',
      values: ['294276-12-31 23:59:59.999999+00', '2024-01-01 00:00:00+00'],
    },
    {
      type: 'interval',
      stored: 'VARCHAR',
      values: [
        ['0', '00:00:00'],
        ['1 year 2 mons 3 days 4:05:06.789', '1 year 2 mons 3 days 04:05:06.789'],
        ['-1 year +2 days -3:00', '-1 years +2 days -03:00:00'],
        ['1 mon -1 day', '1 mon -1 days'],
        ['-0.000001 s', '-00:00:00.000001'],
        ['P1Y2M10DT2H30M', '1 year 2 mons 10 days 02:30:00'],
        ['178000000 years', '178000000 years'],
        ['-178000000 years', '-178000000 years'],
        null,
      ],
    },
    { type: 'interval', since: 15, note: 'the longest time', stored: 'VARCHAR', values: ['2562047788:00:54.775807'] },
    { type: 'interval', since: 17, note: 'infinite', stored: 'VARCHAR', values: ['infinity', '-infinity'] },
    { type: 'interval year to month', stored: 'VARCHAR', values: [['1-2', '1 year 2 mons']] },
    { type: 'interval second(0)', stored: 'VARCHAR', values: [['1.6', '00:00:02']] },
  ]);
});
