import { describe, expect, test } from '@jest/globals';
import type { Criterion } from '../scenario/types.ts';
import { crossedThresholds, thresholdReasons } from './thresholds.ts';

const SUMMARY = JSON.stringify({
  metrics: {
    'operations{outcome:failed}': { count: 812, rate: 20.3, thresholds: { 'count<=2': true } },
    'operation_duration{operation:write}': { 'p(99)': 61.25, thresholds: { 'p(99)<50': true } },
    stale_reads: { count: 0, thresholds: { 'count==0': false } },
    operations: { count: 2400 },
  },
});

test('the crossed ones, with their values', () => {
  expect(crossedThresholds(SUMMARY)).toEqual([
    { metric: 'operations{outcome:failed}', expression: 'count<=2', value: 812 },
    { metric: 'operation_duration{operation:write}', expression: 'p(99)<50', value: 61.25 },
  ]);
});

test.each(['', 'null', '[]', '{"metrics":{"a":null}}'])('%j has none', (text) => {
  expect(crossedThresholds(text)).toEqual([]);
});

describe('reasons', () => {
  const reasons = (...criteria: Criterion[]) => thresholdReasons(crossedThresholds(SUMMARY), criteria);
  const write =
    'k6 crossed the threshold `p(99)<50` on operation_duration{operation:write}, which comes from the objectives: it was 61.25';
  const failed =
    'k6 crossed the threshold `count<=2` on operations{outcome:failed}, which comes from the objectives: it was 812';

  test('name the threshold and its value', () => expect(reasons()).toEqual([failed, write]));
  test('not one whose twin is expected to fire', () => {
    expect(reasons({ alert: 'ErrorBudgetSpent', expect: 'firing', during: 'outage' })).toEqual([write]);
  });
  test('but one whose twin is expected to be silent', () => {
    expect(reasons({ alert: 'ErrorBudgetSpent', expect: 'silent' })).toEqual([failed, write]);
  });
});
