import { expect, test } from '@jest/globals';
import { runFleet } from '../fleet.ts';
import { formatRepetition } from '../repetition.ts';

const SEEDS = 100;

/** The first of the seeds of seeds.integration.test.ts: what a person waits for before a commit. */
test(`${SEEDS} seeds are safe, and well again when everything is mended`, async () => {
  const tally = await runFleet({ system: 'kv', bug: null, keepGoing: false, from: 1, count: SEEDS, workers: 1 });
  for (const { seed, failure } of tally.failures) {
    const repeat = formatRepetition({ system: 'kv', seed, bug: null, reduction: {} });
    throw new Error(`${failure.kind}, ${failure.invariant}: ${failure.message}\nrepeat: ${repeat}`);
  }
  expect(tally.seeds).toBe(SEEDS);
  // A run in which nothing happens is always safe.
  expect(tally.stats['checked.writes']! / SEEDS).toBeGreaterThan(80);
  expect(tally.stats['checked.reads']! / SEEDS).toBeGreaterThan(80);
}, 120_000);
