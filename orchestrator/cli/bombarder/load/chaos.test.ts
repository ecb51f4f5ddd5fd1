import { expect, test } from '@jest/globals';
import { paceForKills } from './chaos.ts';

test.each([
  // The document's: at 10, 20 and 30 s, and 8 s for the last one to come back.
  [3, 10, 38],
  [1, 10, 18],
  // Shorter intervals than a recovery may take: each kill waits for the node killed before.
  [1, 1, 6],
  [2, 1, 10],
])('%d kills, one each %d s: the load lasts %d s', (kills, interval, seconds) => {
  expect(paceForKills(kills, interval)).toBe(seconds);
});
