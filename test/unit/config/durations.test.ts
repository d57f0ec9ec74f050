import { loadSettings } from '../../../src/config/load-settings';
import type { Settings } from '../../../src/config/settings';

function settingsOf(flags: Readonly<Record<string, string>>): Settings {
  const groups = ['Tables'] as const;
  return loadSettings({ flags, env: {}, cwd: '/', groups, withoutFile: true }).settings;
}

it('syncs prove nothing unless they are asked to', () => {
  expect(settingsOf({})).toMatchObject({ verifyEverySeconds: undefined, verifyBudgetSeconds: 60 });
});

test.each([
  ['7d', 604_800],
  ['12h', 43_200],
  ['90m', 5_400],
  [' 1s ', 1],
])('verify_every %s is %d seconds', (text, seconds) => {
  expect(settingsOf({ verify_every: text }).verifyEverySeconds).toBe(seconds);
});

test.each(['7', 'weekly', '0d', '-1d', '1w', '4000d', '7 d'])('verify_every %s is refused', (text) => {
  expect(() => settingsOf({ verify_every: text })).toThrow(
    `verify_every (--verify-every) must be a duration such as 30m, 12h or 7d, 3650d at most, not "${text}".`,
  );
});
