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
    load: { script: 'kv/steady.ts', profile: 'steady', ratePerSecond: 150, durationMs: 60_000, deadlineMs: 5000 },
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
    ...{ profile: 'steady', ratePerSecond: 150, durationSeconds: 60, deadlineSeconds: 5, faultsPlanned: false },
    objectives: { write_p99: { unit: 'seconds', value: 0.05 } },
  });
  expect(environment.K6_PROMETHEUS_RW_SERVER_URL).toBe('http://127.0.0.1:9/api/v1/write');
});
