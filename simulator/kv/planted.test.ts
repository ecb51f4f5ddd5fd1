import { availableParallelism } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { type Found, runFleet } from '../fleet.ts';
import { formatRepetition } from '../repetition.ts';
import { shrink } from '../shrink.ts';
import { generateKvPlan } from './plan.ts';
import { plantedBugs } from './planted/catalogue.ts';
import { leaseRead } from './planted/lease-read.ts';
import { staleRead } from './planted/stale-read.ts';
import type { PlantedBug } from './planted/types.ts';
import { runKv } from './run.ts';
import type { KvPlan } from './types.ts';

const PATIENCE_MS = 180_000;

/** The first seed from 1 on whose run fails, within the bound that the bug states. */
async function firstCatch({ name, seedsMax }: PlantedBug): Promise<Found> {
  const workers = availableParallelism();
  const { failures } = await runFleet({ system: 'kv', bug: name, keepGoing: false, from: 1, count: seedsMax, workers });
  if (failures.length === 0) throw new Error(`${name}: not noticed in seeds 1 to ${seedsMax}`);
  return failures[0]!;
}

describe('every planted bug is noticed', () => {
  test.each(plantedBugs.map((bug) => [bug.name, bug] as const))(
    '%s',
    async (name, bug) => {
      const { seed, failure } = await firstCatch(bug);
      const repeat = formatRepetition({ system: 'kv', seed, bug: name, reduction: {} });
      expect({ repeat, message: failure.message, invariant: failure.invariant }).toMatchObject({
        invariant: expect.stringMatching(new RegExp(`^(${bug.caughtBy.join('|')})$`)),
      });
      // No false alarm: the same run without the bug. (That all other seeds pass is what seeds.*.test.ts is for.)
      expect(runKv(generateKvPlan(seed)).failure).toBeNull();
    },
    PATIENCE_MS,
  );

  test('there are twelve, each with a name of its own', () => {
    expect(new Set(plantedBugs.map(({ name }) => name)).size).toBe(12);
  });
});

test(
  'a lease is no bug while clocks are true and no process stands still',
  () => {
    let reads = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const whole = generateKvPlan(seed);
      const faults = whole.faults.filter(({ kind }) => kind !== 'skewClock' && kind !== 'pause');
      const plan = { ...whole, faults, weather: { ...whole.weather, clocks: [] } };
      const { failure, stats } = runKv(plan, { variation: leaseRead.variation() });
      expect({ seed, failure }).toEqual({ seed, failure: null });
      reads += stats['checked.reads'] ?? 0;
    }
    expect(reads).toBeGreaterThan(1000);
  },
  PATIENCE_MS,
);

test(
  'a planted bug shrinks to a few faults and operations, and what is left fails in the same way each time',
  async () => {
    const { seed } = await firstCatch(staleRead);
    const run = (smaller: KvPlan) => runKv(smaller, { variation: staleRead.variation() });
    const steps = shrink(generateKvPlan(seed), run, { runsMax: 400 });
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    const { plan: smaller, outcome } = step.value;
    expect(outcome.failure.invariant).toBe('linearizability');
    expect(smaller.faults.length).toBeLessThanOrEqual(4);
    // A write that another leader commits, and the read that misses it.
    expect(smaller.operations.length).toBeLessThanOrEqual(4);
    expect(run(smaller).traceHash).toBe(outcome.traceHash);
    expect(runKv(smaller).failure).toBeNull();
  },
  PATIENCE_MS,
);
