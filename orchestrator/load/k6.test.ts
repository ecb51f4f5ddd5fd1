import { describe, expect, test } from '@jest/globals';
import type { Scenario } from '../scenario/types.ts';
import { loadEnvironment } from './environment.ts';
import { LoadError, thresholdsCrossed } from './k6.ts';

describe("k6's exit code", () => {
  test.each([
    [0, false],
    [99, true],
  ])('%d: the load was carried through, thresholds crossed: %p', (code, crossed) =>
    expect(thresholdsCrossed({ code, signal: null }, '')).toBe(crossed),
  );

  test.each([1, 97, 104, 105, 107, 108, 109, 110])('%d: k6 could not do its work', (code) => {
    expect(() => thresholdsCrossed({ code, signal: null }, 'line 3: no such thing')).toThrow(LoadError);
    expect(() => thresholdsCrossed({ code, signal: null }, 'line 3: no such thing')).toThrow(
      `k6 exited with code ${code}; the end of its log:\nline 3: no such thing`,
    );
  });

  test('a signal is neither', () => {
    expect(() => thresholdsCrossed({ code: null, signal: 'SIGKILL' }, '')).toThrow('k6 was ended by SIGKILL');
  });
});

test('a load script is told everything in one document', () => {
  const scenario = {
    load: {
      script: 'kv/steady.ts',
      profile: 'steady',
      ratePerSecond: 150,
      durationMs: 60_000,
      deadlineMs: 5000,
      history: true,
    },
    objectives: { write_p99: { unit: 'seconds', value: 0.05 } },
    faults: [],
  } as unknown as Scenario;
  const environment = loadEnvironment({
    ...{ runId: 'r', segment: 0, seed: 7, scenario },
    targets: ['http://127.0.0.1:1'],
    prometheusUrl: 'http://127.0.0.1:9',
  });
  expect(JSON.parse(environment.GAMEDAY_LOAD!)).toEqual({
    ...{ runId: 'r', segment: 0, seed: 7, targets: ['http://127.0.0.1:1'] },
    ...{
      profile: 'steady',
      ratePerSecond: 150,
      durationSeconds: 60,
      deadlineSeconds: 5,
      faultsPlanned: false,
      history: true,
    },
    objectives: { write_p99: { unit: 'seconds', value: 0.05 } },
  });
  expect(environment.K6_PROMETHEUS_RW_SERVER_URL).toBe('http://127.0.0.1:9/api/v1/write');
});

test('a counted load is told its count, and its pauses in seconds', () => {
  const closed = { count: 100, concurrency: 50, burst: { size: 50, pauseMs: 500 } };
  const load = { script: 'kv/burst.ts', profile: 'count', ratePerSecond: 0, durationMs: 0, deadlineMs: 5000, closed };
  const scenario = { load: { ...load, readShare: 0.2, history: false }, objectives: {}, faults: [] };
  const environment = loadEnvironment({
    ...{ runId: 'r', segment: 0, seed: 7, scenario: scenario as unknown as Scenario },
    targets: ['http://127.0.0.1:1'],
    prometheusUrl: 'http://127.0.0.1:9',
  });
  expect(JSON.parse(environment.GAMEDAY_LOAD!)).toMatchObject({
    closed: { count: 100, concurrency: 50, burst: { size: 50, pauseSeconds: 0.5 } },
    ...{ readShare: 0.2, history: false, durationSeconds: 0 },
  });
});
