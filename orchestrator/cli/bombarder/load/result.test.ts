import { describe, expect, test } from '@jest/globals';
import pc from 'picocolors';
import { exitCodeOf } from './load_command.ts';
import { historySeconds, loadResult, resultLines } from './result.ts';

/** As `--summary-export` writes it. */
const summary = (ok: number, failed: number, more: Record<string, unknown> = {}) =>
  JSON.stringify({
    metrics: {
      'operations{outcome:ok}': { count: ok, rate: 1, thresholds: { 'count>=0': false } },
      'operations{outcome:failed}': { count: failed, rate: 0, thresholds: { 'count>=0': false } },
      'attempts{outcome:ok}': { count: ok, rate: 1 },
      'attempts{outcome:refused}': { count: 7, rate: 1 },
      'attempts{outcome:timeout}': { count: 0, rate: 0 },
      operation_duration: { avg: 4, min: 1, med: 3.25, max: 250.4, 'p(90)': 8, 'p(95)': 9.5, 'p(99)': 31.7 },
      stale_reads: { count: 0, rate: 0 },
      duplicate_writes: { count: 0, rate: 0 },
      ...more,
    },
  });

const lines = (text: string, planned: number) => resultLines(loadResult(text, planned, 2)!, pc.createColors(false));

describe('what a load came to', () => {
  test('all succeeded', () => {
    expect(lines(summary(100, 0), 100)).toEqual([
      'operations   100 of 100, 100 % succeeded',
      'throughput   50 operations/s over 2.0 s',
      'latency      p50 3.3 ms   p95 9.5 ms   p99 32 ms   max 250 ms',
      'attempts     107: 100 ok, 7 refused',
    ]);
  });

  test('one of a hundred thousand failed: it is not rounded away', () => {
    expect(lines(summary(99_999, 1), 100_000)[0]).toBe('operations   99999 of 100000, 99.99 % succeeded');
  });

  test('an acknowledged write that was not found is told', () => {
    const text = lines(summary(100, 0, { stale_reads: { count: 2, rate: 1 } }), 100).join('\n');
    expect(text).toContain('✘ 2 acknowledged writes were not found');
  });

  test('a file that k6 did not write is no result', () => expect(loadResult('{}', 1, 1)).toBeUndefined());
});

describe('exit code', () => {
  const outcome = (ok: number, change: object = {}) => ({
    run: { result: loadResult(summary(ok, 100 - ok), 100, 1)! },
    verification: { result: 'equal', index: 1, sentence: '', nodes: [] } as Parameters<
      typeof exitCodeOf
    >[0]['verification'],
    ...{ chaos: undefined, promised: undefined },
    ...change,
  });
  const inconclusive = { verification: { result: 'inconclusive', index: null, sentence: '', nodes: [] } };
  const kill = { step: 'killed', node: 0, role: 'leader', atMs: 1 } as const;

  test.each([
    ['all succeeded', outcome(100), 0],
    ['one did not', outcome(99), 1],
    ['some were cut off', { ...outcome(100), run: { result: loadResult(summary(90, 0), 100, 1)! } }, 1],
    ['the states differ', outcome(100, { verification: { result: 'different' } }), 1],
    ['the states could not be compared', outcome(100, inconclusive), 3],
    ['as many kills as promised', outcome(100, { chaos: [kill, kill], promised: 2 }), 0],
    ['fewer kills than promised', outcome(100, { chaos: [kill], promised: 2 }), 3],
    ['a failure outweighs what is not known', outcome(99, inconclusive), 1],
  ])('%s', (_, given, code) => expect(exitCodeOf(given as Parameters<typeof exitCodeOf>[0])).toBe(code));
});

test('how long: from the first start to the last end of the load, without its preparation', () => {
  const history = [
    '{"header":{"version":1,"segment":0,"runId":"r"}}',
    '{"process":0,"operation":"create","start":1000,"end":1010,"outcome":"ok"}',
    '{"process":2,"operation":"read","start":2000,"end":2100,"outcome":"ok"}',
    '{"process":1,"operation":"read","start":2050,"end":4500,"outcome":"ok"}',
    '{"process":1,"operation":"update","start":3000,"end":null,"outcome":"unknown"}',
    'half a li',
  ];
  expect(historySeconds(history)).toBe(2.5);
  expect(historySeconds([])).toBeUndefined();
});
