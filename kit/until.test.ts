import { expect, test } from '@jest/globals';
import { until } from './until.ts';

test('returns the first truthy value', async () => {
  let looks = 0;
  expect(await until(() => (++looks < 3 ? null : `look ${looks}`), { everyMs: 1 })).toBe('look 3');
});

test('says at the deadline what did not happen', async () => {
  await expect(until(() => false, { withinMs: 5, everyMs: 1, what: 'an election' })).rejects.toThrow(
    'an election did not happen within 5 ms',
  );
});
