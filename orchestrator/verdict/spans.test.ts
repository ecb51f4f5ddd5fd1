import { expect, test } from '@jest/globals';
import { disagreement } from './agreement.ts';
import { missedEvaluations, withHeartbeats } from './heartbeat.ts';
import { parseRules } from './rules.ts';
import { gaps } from './scrapes.ts';
import { intersect, longest, spansOfSamples, subtract, union } from './spans.ts';
import type { Interval, Span } from './types.ts';

const spans = (...pairs: [number, number][]): Span[] => pairs.map(([from, to]) => ({ from, to }));

test('sets of stretches', () => {
  expect(union(spans([5, 7], [1, 3], [3, 4], [6, 9], [2, 2]))).toEqual(spans([1, 4], [5, 9]));
  expect(intersect(spans([0, 5], [8, 9]), spans([3, 10]))).toEqual(spans([3, 5], [8, 9]));
  expect(subtract(spans([0, 10]), spans([2, 3], [5, 7], [9, 20]))).toEqual(spans([0, 2], [3, 5], [7, 9]));
  expect(subtract(spans([0, 10]), spans([0, 10]))).toEqual([]);
  expect(longest(spans([0, 2], [5, 9], [10, 11]))).toEqual({ from: 5, to: 9 });
  expect(spansOfSamples([0, 10, 20, 40], 10)).toEqual(spans([0, 30], [40, 50]));
});

const firing = (from: number, to: number, labels = {}): Interval => ({ from, to, labels, peak: null });

test.each<[string, Interval[], Interval[], 'judge' | 'prometheus' | null]>([
  ['both silent', [], [], null],
  ['the same', [firing(1000, 4000)], [firing(1000, 4000)], null],
  ['one interval early and one late', [firing(1000, 4000)], [firing(2000, 5000)], null],
  ['two intervals early', [firing(1000, 6000)], [firing(3000, 6000)], 'judge'],
  ['two intervals late', [firing(1000, 4000)], [firing(1000, 6000)], 'prometheus'],
  ['only the judge', [firing(1000, 2000)], [], 'judge'],
  ['only Prometheus', [], [firing(1000, 2000)], 'prometheus'],
  ['another label set', [firing(1000, 2000, { i: 'a' })], [firing(1000, 2000, { i: 'b' })], 'judge'],
  ['labels in another order', [firing(1000, 2000, { a: '1', b: '2' })], [firing(1000, 2000, { b: '2', a: '1' })], null],
  ['a hole of one evaluation', [firing(1000, 6000)], [firing(1000, 3000), firing(4000, 6000)], null],
  ['a hole of three evaluations', [firing(1000, 9000)], [firing(1000, 3000), firing(6000, 9000)], 'judge'],
])('agreement: %s', (_, judged, recorded, by) => {
  expect(disagreement(judged, recorded, 1000, 1000)?.by ?? null).toBe(by);
});

test('the first moment of a disagreement is named', () => {
  expect(disagreement([firing(1000, 9000)], [firing(1000, 3000)], 1000, 1000)).toMatchObject({ by: 'judge', at: 4000 });
});

const every = (from: number, to: number, step: number): number[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);

test('missed evaluations', () => {
  const window = { from: 10_000, to: 20_000 };
  const missed = (times: number[]) => missedEvaluations(times, window, 1000);
  expect(missed(every(5_300, 30_300, 1000))).toEqual([]);
  expect(missed(every(5_300, 18_300, 1000))).toEqual([]);
  expect(missed(every(5_300, 16_300, 1000))).toEqual(spans([17_300, 20_000]));
  expect(missed(every(5_300, 30_300, 1000).filter((time) => time !== 14_300))).toEqual(spans([14_300, 15_300]));
  expect(missed(every(13_300, 30_300, 1000))).toEqual(spans([10_000, 13_300]));
  expect(missed([])).toEqual(spans([10_000, 20_000]));
  expect(missed(every(5_300, 30_300, 1000).filter((time) => time < 6_000 || time > 9_000))).toEqual([]);
});

test('gaps between scrapes', () => {
  const window = { from: 10_000, to: 20_000 };
  expect(gaps(every(5_500, 30_500, 1000), window, 3000)).toEqual([]);
  expect(
    gaps(
      every(5_500, 30_500, 1000).filter((time) => time < 12_000 || time > 14_000),
      window,
      3000,
    ),
  ).toEqual([]);
  expect(
    gaps(
      every(5_500, 30_500, 1000).filter((time) => time < 12_000 || time > 15_000),
      window,
      3000,
    ),
  ).toEqual(spans([11_500, 15_500]));
  expect(gaps(every(5_500, 16_500, 1000), window, 3000)).toEqual(spans([16_500, 20_000]));
  expect(gaps([], window, 3000)).toEqual(spans([10_000, 20_000]));
});

test('a rule file with heartbeats has one at the end of each group, and keeps everything else', () => {
  const text = 'groups:\n  - name: a\n    # why\n    rules:\n      - alert: X\n        expr: up == 0\n  - name: b\n';
  const extended = withHeartbeats(text, '/run/prometheus/alerts/kv.rules.yml');
  expect(extended).toContain('# why');
  const { alerts, recordings } = parseRules([{ name: '/elsewhere/alerts/kv.rules.yml', text: extended }], 1000);
  const beats = recordings.get('gameday:rule_group_evaluation:timestamp')!;
  expect(beats.map(({ labels }) => labels.rule_group)).toEqual(['alerts/kv.rules.yml;a', 'alerts/kv.rules.yml;b']);
  expect(beats.map(({ group }) => group.key)).toEqual(['alerts/kv.rules.yml;a', 'alerts/kv.rules.yml;b']);
  expect(alerts.get('X')!.group.key).toBe('alerts/kv.rules.yml;a');
  expect(withHeartbeats('groups:\n', 'x')).toBe('groups:\n');
});
