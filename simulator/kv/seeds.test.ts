import { expect, test } from '@jest/globals';
import { formatRepetition } from '../repetition.ts';
import { generateKvPlan } from './plan.ts';
import { runKv } from './run.ts';

const SEEDS = 100;

/** The same seeds from 1 on as in seeds.integration.test.ts, fewer of them: what a person waits for before a commit. */
test(`${SEEDS} seeds are safe, and well again when everything is mended`, () => {
  let writes = 0;
  let reads = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure, stats } = runKv(generateKvPlan(seed));
    if (failure !== null) {
      const repeat = formatRepetition({ system: 'kv', seed, bug: null, reduction: {} });
      throw new Error(`${failure.kind}, ${failure.invariant}: ${failure.message}\nrepeat: ${repeat}`);
    }
    writes += stats['checked.writes']!;
    reads += stats['checked.reads']!;
  }
  // A run in which nothing happens is always safe.
  expect(writes / SEEDS).toBeGreaterThan(80);
  expect(reads / SEEDS).toBeGreaterThan(80);
}, 120_000);
