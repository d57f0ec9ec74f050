import { planAdvice } from '../../../../src/app/plan/plan-advice';

const large = {
  table: 'public.huge',
  category: 'large',
  threads: 1,
  partitions: 900,
  readMethod: 'ranges',
  bytes: 16e9,
  untrustedKey: null,
} as const;
const medium = { ...large, table: 'public.items', category: 'medium', threads: 2 } as const;
const small = { ...large, table: 'public.orders', category: 'small', threads: 4 } as const;
const DEFAULTS = { customThreads: undefined };

describe('what more readers would bring', () => {
  it('is told of the tables that have fewer than small ones', () => {
    expect(planAdvice([small, medium, large], DEFAULTS)).toEqual([
      expect.stringMatching(
        /^Readers, to spare the server: medium tables \(public\.items\) 2, large tables \(public\.huge\) 1\. --custom-threads 4 gives them 4: /,
      ),
    ]);
    expect(planAdvice([large], DEFAULTS)[0]).toMatch(/: large tables \(public\.huge\) 1\./);
  });

  it('is nothing where all are small, one part or a cursor must be read, or a number was chosen', () => {
    expect(planAdvice([small], DEFAULTS)).toEqual([]);
    expect(
      planAdvice(
        [
          { ...large, partitions: 1 },
          { ...large, readMethod: 'cursor' },
        ],
        DEFAULTS,
      ),
    ).toEqual([]);
    expect(planAdvice([large], { customThreads: 1 })).toEqual([]);
  });
});

describe('what an update column would save', () => {
  it('is told of the tables that have one which is not trusted, with what it would cost', () => {
    const [advice, ...others] = planAdvice([small, { ...large, threads: 4, untrustedKey: 'updated_at' }], DEFAULTS);
    expect(others).toEqual([]);
    expect(advice).toMatch(/^Update columns \(public\.huge updated_at\): named as "replication_key" /);
    expect(advice).toMatch(/ save a sync the scan of 14\.9 GB, about 30\.0 s from the disk\. /);
    expect(advice).toMatch(/deletes, updates that leave them as they were\) then arrives at every n-th sync only\.$/);
  });
});
