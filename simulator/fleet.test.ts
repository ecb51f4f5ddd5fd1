import { describe, expect, test } from '@jest/globals';
import { type FleetOptions, runFleet, type Tally } from './fleet.ts';

const fleet = (options: Partial<FleetOptions>) =>
  runFleet({ system: 'kv', bug: null, keepGoing: false, from: 1, count: 8, workers: 2, ...options });

/** A worker thread loads the whole core first, and shares the cores with other tests. */
const PATIENCE_MS = 60_000;

describe('many seeds on several threads', () => {
  test(
    'give the same whatever the number of threads',
    async () => {
      const one = await fleet({ workers: 1 });
      const three = await fleet({ workers: 3 });
      expect(three).toEqual(one);
      expect(one).toMatchObject({ seeds: 8, failures: [] });
      expect(one.messages).toBeGreaterThan(1000);
    },
    PATIENCE_MS,
  );

  test(
    'stop at the first failure, which is that of the lowest seed',
    async () => {
      const bug = 'acknowledged-before-fsync';
      const all = await fleet({ bug, keepGoing: true, count: 24 });
      expect(all.seeds).toBe(24);
      expect(all.failures.length).toBeGreaterThan(1);
      const first = await fleet({ bug, count: 10_000 });
      expect(first.failures).toEqual(all.failures.slice(0, 1));
      expect(first.seeds).toBeLessThan(1000);
    },
    PATIENCE_MS,
  );

  test(
    'end when they are told to, with what was done by then',
    async () => {
      const controller = new AbortController();
      let last: Tally | null = null;
      const tally = await fleet({
        count: Infinity,
        signal: controller.signal,
        onProgress: (now) => {
          last = now;
          if (now.seeds >= 8) controller.abort();
        },
      });
      expect(tally).toEqual(last);
      expect(tally.seeds).toBeGreaterThanOrEqual(8);
    },
    PATIENCE_MS,
  );

  test(
    'a system that nobody knows is an error, not an empty result',
    async () => {
      await expect(fleet({ system: 'kw' })).rejects.toThrow('no simulated system "kw": expected kv');
    },
    PATIENCE_MS,
  );
});
