import { availableParallelism } from 'node:os';
import { expect, test } from '@jest/globals';
import { runFleet } from '../fleet.ts';
import { formatRepetition } from '../repetition.ts';

const SEEDS = 1000;

/** Here, and not among the unit tests, because those share the cores with each other, and this one wants all of them. */
test(`${SEEDS} seeds are safe, and well again when everything is mended`, async () => {
  const workers = availableParallelism();
  const tally = await runFleet({ system: 'kv', bug: null, keepGoing: false, from: 1, count: SEEDS, workers });
  for (const { seed, failure } of tally.failures) {
    const repeat = formatRepetition({ system: 'kv', seed, bug: null, reduction: {} });
    throw new Error(`${failure.kind}, ${failure.invariant}: ${failure.message}\nrepeat: ${repeat}`);
  }
  expect(tally.seeds).toBe(SEEDS);
  // A run in which nothing happens is always safe.
  expect(tally.stats['checked.writes']! / SEEDS).toBeGreaterThan(80);
  expect(tally.stats['checked.reads']! / SEEDS).toBeGreaterThan(80);
}, 300_000);
