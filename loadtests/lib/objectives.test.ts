import { describe, expect, test } from '@jest/globals';
import type { LoadInput } from './environment.ts';
import { thresholds } from './objectives.ts';

const input: LoadInput = {
  runId: 'r1',
  segment: 0,
  seed: 7,
  targets: ['http://127.0.0.1:8080'],
  profile: 'steady',
  ratePerSecond: 200,
  durationSeconds: 60,
  objectives: {
    availability: { unit: 'ratio', value: 0.999 },
    write_p99: { unit: 'seconds', value: 0.05 },
    read_p999: { unit: 'seconds', value: 0.1 },
    recovery: { unit: 'seconds', value: 30 },
  },
  deadlineSeconds: 5,
  attemptTimeoutSeconds: 2,
  faultsPlanned: false,
  readShare: 0.5,
  history: true,
  summaryByOutcome: false,
};

describe('thresholds', () => {
  test('come from the objectives; k6 counts trends in milliseconds', () => {
    expect(thresholds(input, 12_000)).toEqual({
      stale_reads: ['count==0'],
      duplicate_writes: ['count==0'],
      'operations{outcome:failed}': ['count<=12'],
      dropped_iterations: ['count<=12'],
      'operation_duration{operation:write}': ['p(99)<50'],
      'operation_duration{operation:read}': ['p(99.9)<100'],
    });
  });

  test('leave latency to the rules when faults are planned', () => {
    expect(Object.keys(thresholds({ ...input, faultsPlanned: true }, 12_000))).toEqual([
      'stale_reads',
      'duplicate_writes',
      'operations{outcome:failed}',
      'dropped_iterations',
    ]);
  });

  test('conclude nothing on availability from fewer than 1,000 operations', () => {
    expect(thresholds({ ...input, faultsPlanned: true }, 999)).toEqual({
      stale_reads: ['count==0'],
      duplicate_writes: ['count==0'],
    });
  });

  test('the budget is not one short for the way 0.9 is stored', () => {
    const objectives = { availability: { unit: 'ratio', value: 0.9 } } as const;
    expect(thresholds({ ...input, objectives }, 1000).dropped_iterations).toEqual(['count<=100']);
  });

  test('an objective of 100 % allows no failure', () => {
    const objectives = { availability: { unit: 'ratio', value: 1 } } as const;
    expect(thresholds({ ...input, objectives }, 1000)['operations{outcome:failed}']).toEqual(['count<=0']);
  });
});
