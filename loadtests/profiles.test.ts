import { describe, expect, test } from '@jest/globals';
import type { ClosedLoad, LoadInput } from './lib/environment.ts';
import { loadScenario, openModel, PROFILES, plannedOperations } from './profiles.ts';

const input = (profile: string, ratePerSecond = 200, durationSeconds = 100): LoadInput => ({
  runId: 'r1',
  segment: 0,
  seed: 7,
  targets: ['http://127.0.0.1:8080'],
  profile,
  ratePerSecond,
  durationSeconds,
  objectives: {},
  deadlineSeconds: 5,
  attemptTimeoutSeconds: 2,
  faultsPlanned: false,
  readShare: 0.5,
  history: true,
  summaryByOutcome: false,
});

const milliseconds = (duration: string) => Number(duration.replace('ms', ''));

describe.each(Object.keys(PROFILES))('%s', (profile) => {
  const scenario = openModel(input(profile));

  test('lasts as long as asked', () => {
    const total = scenario.stages.reduce((sum, { duration }) => sum + milliseconds(duration), 0);
    expect(total).toBeGreaterThan(90_000);
    expect(total).toBeLessThanOrEqual(100_001);
  });

  test('has users for every operation of a deadline at the peak (Little)', () => {
    const peak = Math.max(scenario.startRate, ...scenario.stages.map(({ target }) => target)) / 60;
    expect(scenario.maxVUs).toBe(Math.ceil(peak * 5.5));
    expect(scenario.preAllocatedVUs).toBe(Math.ceil(peak * 2));
  });
});

test.each([
  ['smoke', 2_000],
  ['steady', 20_000],
  // 10 s up from 20/s and 10 s down to it at a mean of 110/s, 80 s at 200/s.
  ['load', 18_200],
  // 20 s at 1, 1.5, 2 and 1 times 200/s, and ramps of 5 s in between, from half of it.
  ['stress', 27_250],
  ['breakpoint', 101_000],
])('%s starts the area under its rate: %d operations', (profile, operations) => {
  expect(plannedOperations(input(profile))).toBe(operations);
});

test('rates below one a second are exact, and never zero', () => {
  expect(openModel(input('steady', 0.5, 60)).startRate).toBe(30);
  expect(openModel(input('smoke', 0.01, 60)).startRate).toBe(1);
});

test('an unknown profile names the known ones', () => {
  expect(() => openModel(input('stead'))).toThrow(/"stead": expected one of smoke, steady, load/);
});

describe('a counted load', () => {
  const counted = (closed: ClosedLoad, durationSeconds = 0): LoadInput => ({
    ...input('count', 0, durationSeconds),
    closed,
  });

  test('is shared by its users, and nothing is dropped however slow the system is', () => {
    const load = counted({ count: 500, concurrency: 50 }, 60);
    expect(plannedOperations(load)).toBe(500);
    // Ten rounds, in which an operation, a look and a repeat may take 5 s each.
    expect(loadScenario(load)).toEqual({
      ...{ executor: 'shared-iterations', vus: 50, iterations: 500 },
      ...{ maxDuration: `${60 + 10 * 3 * 5}s`, gracefulStop: '16s' },
    });
  });

  test('never has more users than operations, which k6 would refuse', () => {
    expect(loadScenario(counted({ count: 3, concurrency: 50 }))).toMatchObject({ vus: 3, iterations: 3 });
  });

  test('has time for its pauses', () => {
    const burst = { size: 50, pauseSeconds: 2 };
    expect(loadScenario(counted({ count: 100, concurrency: 50, burst }))).toMatchObject({ maxDuration: '34s' });
  });
});
