import { clockProblem } from '../../../src/fleet/queue-server';

it('says which of two clocks is ahead, where they are too far apart', () => {
  expect(clockProblem(61)?.message).toBe("The clock of this host is 61 s ahead of the clock of the queue's server.");
  expect(clockProblem(-75.2)?.describe()).toMatch(
    /^The clock of this host is 75 s behind the clock of the queue's server\. Synchronize both/,
  );
  expect([0, 5, -5, 60, -60].map(clockProblem)).toEqual(Array(5).fill(undefined));
});
