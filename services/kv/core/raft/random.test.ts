import { expect, test } from '@jest/globals';
import { describeRun, RandomRun } from './testing/random-run.ts';

const SEEDS = Number(process.env.RAFT_SEEDS ?? 200);
const STEPS = Number(process.env.RAFT_STEPS ?? 2000);
const FIRST = Number(process.env.RAFT_SEED ?? 1);

test(`${SEEDS} random runs of ${STEPS} steps are safe, and live once all is healed`, () => {
  let committed = 0;
  let reads = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const run = new RandomRun(seed);
    try {
      run.steps(STEPS);
      run.heal();
    } catch (error) {
      throw new Error(describeRun(seed), { cause: error });
    }
    committed += run.invariants.commitIndex;
    reads += run.invariants.answeredReads.length;
  }
  // A run in which nothing happens is always safe.
  expect(committed / SEEDS).toBeGreaterThan(30);
  expect(reads / SEEDS).toBeGreaterThan(10);
});
