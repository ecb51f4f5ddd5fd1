import { describe, expect, test } from '@jest/globals';
import { reduce } from './reduction.ts';
import { type Shrunk, shrink } from './shrink.ts';
import type { Failure, Fault, Outcome, Plan } from './types.ts';

const weather: Plan['weather'] = {
  network: {
    latency: { kind: 'uniform', minUs: 100, maxUs: 900 },
    loss: 0.1,
    duplication: 0.1,
    reordering: 0.1,
    heldBack: { kind: 'constant', us: 1000 },
    ordered: true,
    bytesPerSecond: null,
  },
  disk: { sync: { kind: 'constant', us: 5000 } },
  clocks: [{ offsetUs: 0, rate: 2 }],
};

/** Faults and operations at 0, 1, 2, … µs, so that a time says which one it is. */
const plan: Plan = {
  seed: 1,
  nodes: 5,
  setup: null,
  weather,
  faults: Array.from({ length: 20 }, (_, i): Fault => ({ kind: 'blackout', atUs: i, forUs: 1 })),
  operations: Array.from({ length: 60 }, (_, i) => ({ atUs: i })),
  healAtUs: 1000,
  recoverWithinUs: 1000,
};

/** A system that fails when all of these are there. */
function failsWith(needs: { faults: number[]; operations: number[]; loss?: boolean; nodes?: number; atUs?: number }) {
  let runs = 0;
  const run = (smaller: Plan): Outcome => {
    runs += 1;
    const has = (list: readonly { atUs: number }[], times: number[]) =>
      times.every((time) => list.some(({ atUs }) => atUs === time));
    const fails =
      has(smaller.faults, needs.faults) &&
      has(smaller.operations, needs.operations) &&
      (needs.loss !== true || smaller.weather.network.loss > 0) &&
      smaller.nodes >= (needs.nodes ?? 1);
    return outcome(fails ? 'broken' : null, needs.atUs ?? 100);
  };
  return { run, count: () => runs };
}

function outcome(invariant: string | null, atUs: number): Outcome {
  const failure: Failure | null = invariant === null ? null : { kind: 'safety', invariant, message: '', atUs, step: 1 };
  return { failure, messages: 0, events: 0, endUs: 0, traceHash: '', trace: [], stats: {} };
}

/** To the end, without a pause. */
function shrinkAll(...parameters: Parameters<typeof shrink<Plan>>): Shrunk<Plan> {
  const steps = shrink(...parameters);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

describe('a failing plan becomes as small as what makes it fail', () => {
  test('few of many faults and operations', () => {
    const { run } = failsWith({ faults: [3, 17], operations: [5, 6, 40] });
    const { reduction, plan: smaller } = shrinkAll(plan, run, { runsMax: 1000 });
    expect(reduction.faults).toEqual([3, 17]);
    expect(reduction.operations).toEqual([5, 6, 40]);
    expect(smaller).toEqual(reduce(plan, reduction));
    expect(smaller.faults).toHaveLength(2);
  });

  test('nothing at all', () => {
    const { run } = failsWith({ faults: [], operations: [] });
    const { reduction, plan: smaller } = shrinkAll(plan, run, { runsMax: 1000 });
    expect(reduction).toMatchObject({ faults: [], operations: [], nodes: 1 });
    expect(smaller.weather.clocks).toEqual([]);
  });

  test('weather that matters stays, the rest is made fair; nodes that matter stay', () => {
    const { run } = failsWith({ faults: [], operations: [1], loss: true, nodes: 3 });
    const { reduction, plan: smaller } = shrinkAll(plan, run, { runsMax: 1000 });
    expect(reduction.calm).not.toContain('loss');
    expect(reduction.calm).toContain('clocks');
    expect(smaller.weather.network).toMatchObject({ loss: 0.1, duplication: 0, reordering: 0 });
    expect(smaller.nodes).toBe(3);
  });

  test('what happens after the failure goes with one run', () => {
    const { run, count } = failsWith({ faults: [3], operations: [2], atUs: 3 });
    const { runs } = shrinkAll(plan, run, { runsMax: 2 });
    expect(runs).toBe(2);
    expect(count()).toBe(2);
    const { reduction } = shrinkAll(plan, run, { runsMax: 2 });
    expect(reduction.faults).toEqual([0, 1, 2, 3]);
    expect(reduction.operations).toEqual([0, 1, 2, 3]);
  });
});

test('another invariant is another failure', () => {
  const run = (smaller: Plan) => outcome(smaller.faults.some(({ atUs }) => atUs === 7) ? 'first' : 'second', 100);
  const { reduction, outcome: found } = shrinkAll(plan, run, { runsMax: 1000 });
  expect(reduction.faults).toEqual([7]);
  expect(found.failure.invariant).toBe('first');
});

test('the runs are bounded, and what was found by then is a plan that fails', () => {
  const { run, count } = failsWith({ faults: [3, 17], operations: [5, 6, 40] });
  const { plan: smaller } = shrinkAll(plan, run, { runsMax: 10 });
  expect(count()).toBe(10);
  expect(run(smaller).failure).not.toBeNull();
});

test('whoever cancels gets what was found so far', () => {
  const { run, count } = failsWith({ faults: [3], operations: [] });
  const { runs } = shrinkAll(plan, run, { runsMax: 1000, isCancelled: () => count() >= 5 });
  expect(runs).toBe(5);
});

test('a plan that does not fail cannot be made smaller', () => {
  expect(() => shrinkAll(plan, () => outcome(null, 0), { runsMax: 10 })).toThrow('seed 1 does not fail');
});
