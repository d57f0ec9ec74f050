import { planAdvice } from '../../../../src/app/plan/plan-advice';

const large = { table: 'public.huge', category: 'large', threads: 1, partitions: 900, readMethod: 'ranges' } as const;
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
