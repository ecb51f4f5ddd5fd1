import { describe, expect, test } from '@jest/globals';
import { type AlertTimes, alertLife, type Series } from './alert-state.ts';

/** `.` no value, a digit that value, one evaluation a second from 0. */
function series(pattern: string, labels: Record<string, string> = {}): Series {
  return {
    labels,
    points: [...pattern].flatMap((c, i) =>
      c === '.' ? [] : [[i * 1000, c === 'N' ? Number.NaN : Number(c)] as const],
    ),
  };
}

/** `-` inactive, `p` pending, `F` firing, for one label set. */
function life(pattern: string, rule: Partial<AlertTimes>): string {
  const grid = { fromMs: 0, toMs: (pattern.length - 1) * 1000, stepMs: 1000 };
  const { pending, firing } = alertLife(
    [series(pattern)],
    { forMs: 0, keepFiringForMs: 0, labels: {}, lowIsBad: false, ...rule },
    grid,
  );
  const at = (time: number) => (intervals: typeof pending) =>
    intervals.some(({ from, to }) => from <= time && time < to);
  return [...pattern].map((_, i) => (at(i * 1000)(firing) ? 'F' : at(i * 1000)(pending) ? 'p' : '-')).join('');
}

describe('for', () => {
  test.each([
    ['without it an alert fires at once', '..11..', 0, '--FF--'],
    ['one evaluation too few stays pending', '.111..', 3000, '-ppp--'],
    ['exactly enough fires at the evaluation that completes it', '.1111.', 3000, '-pppF-'],
    ['a gap of one evaluation starts again', '.111.1111', 3000, '-ppp-pppF'],
    ['a gap while firing resolves, and the next starts again', '1111.11', 2000, 'ppFF-pp'],
    ['flapping never fires', '1.1.1.1.', 1000, 'p-p-p-p-'],
    ['a `for` between two evaluations fires at the later one', '1111', 1500, 'ppFF'],
    ['true until the end', '...111', 2000, '---ppF'],
    ['NaN is a value', 'NNN', 1000, 'pFF'],
    ['never', '......', 0, '------'],
  ])('%s', (_, pattern, forMs, expected) => {
    expect(life(pattern, { forMs })).toBe(expected);
  });
});

describe('keep_firing_for', () => {
  test.each([
    ['keeps for so long after the first evaluation without a result', '11.....', 0, 3000, 'FFFFF--'],
    ['never revives a pending alert', '11.....', 2000, 3000, 'pp-----'],
    ['a new result starts its clock again', '11..1....', 0, 2000, 'FFFFFFF--'],
    ['bridges a gap, so that `for` need not be waited for again', '111.111', 2000, 2000, 'ppFFFFF'],
    ['after it has run out, `for` begins anew', '111...11', 2000, 1000, 'ppFF--pp'],
  ])('%s', (_, pattern, forMs, keepFiringForMs, expected) => {
    expect(life(pattern, { forMs, keepFiringForMs })).toBe(expected);
  });
});

const plain: AlertTimes = { forMs: 0, keepFiringForMs: 0, labels: {}, lowIsBad: false };
const grid = { fromMs: 0, toMs: 5000, stepMs: 1000 };

test('label sets live apart, and each interval has its labels and its worst value', () => {
  const result = alertLife([series('.35...', { __name__: 'm', i: 'b' }), series('..2.9.', { i: 'a' })], plain, grid);
  expect(result.firing).toEqual([
    { from: 1000, to: 3000, labels: { i: 'b' }, peak: 5 },
    { from: 2000, to: 3000, labels: { i: 'a' }, peak: 2 },
    { from: 4000, to: 5000, labels: { i: 'a' }, peak: 9 },
  ]);
  expect(alertLife([series('.35...')], { ...plain, lowIsBad: true }, grid).firing[0]!.peak).toBe(3);
  expect(alertLife([series('.NN...')], plain, grid).firing[0]!.peak).toBeNull();
});

test('the worst value of a firing does not come from the time before it', () => {
  const result = alertLife([series('987...')], { ...plain, forMs: 2000 }, grid);
  expect(result).toMatchObject({ pending: [{ peak: 9 }], firing: [{ peak: 7 }] });
});

test('a label that the rule overrides does not tell alerts apart, one that it computes from the element does', () => {
  const two = [series('1.....', { i: 'a' }), series('..1...', { i: 'b' })];
  expect(alertLife(two, { ...plain, labels: { i: 'all' } }, grid).firing.map(({ labels }) => labels)).toEqual([{}, {}]);
  expect(
    alertLife(two, { ...plain, labels: { i: '{{ $labels.i }}' } }, grid).firing.map(({ labels }) => labels),
  ).toEqual([{ i: 'a' }, { i: 'b' }]);
});

test('two elements that become one alert are refused, as Prometheus refuses them', () => {
  const two = [series('1.....', { __name__: 'x' }), series('1.....', { __name__: 'y' })];
  expect(() => alertLife(two, plain, grid)).toThrow(expect.objectContaining({ code: 'RESULT_UNSUPPORTED' }));
});

test('an alert that is active when the grid ends has an interval that ends after it', () => {
  expect(alertLife([series('....11')], plain, grid).firing).toMatchObject([{ from: 4000, to: 6000 }]);
});
