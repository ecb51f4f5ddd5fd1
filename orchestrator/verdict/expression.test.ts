import { describe, expect, test } from '@jest/globals';
import { evidenceOf, lowIsBad } from './evidence.ts';
import { parseExpression, renameMetrics, selectorsOf } from './expression.ts';

const selectors = (text: string) => selectorsOf(parseExpression(text));

describe('what an expression reads', () => {
  test.each([
    ['up', [['up', 0]]],
    ['rate(x{a="b"}[30s]) > 1', [['x', 30_000]]],
    ['rate(x[1m30s] offset 5m)', [['x', 390_000]]],
    ['rate(x[30s] offset -5m)', [['x', 30_000]]],
    ['x[300]', [['x', 300_000]]],
    ['max_over_time(rate(x[1m])[10m:])', [['x', 660_000]]],
    [
      'max_over_time((a + rate(b[2m]))[10m:1m] offset 1h)',
      [
        ['a', 4_200_000],
        ['b', 4_320_000],
      ],
    ],
    [
      '{__name__="a.b", x="y"} / {"c.d"}',
      [
        ['a.b', 0],
        ['c.d', 0],
      ],
    ],
    ['{job="kv"}', [[null, 0]]],
    ['{__name__=~"a|b"}', [[null, 0]]],
    ['time() > vector(1)', []],
  ])('%s', (text, expected) => {
    expect(selectors(text).map(({ name, reachMs }) => [name, reachMs])).toEqual(expected);
  });

  test.each([
    ['a > 1 and b > 2', ['a', 'b']],
    ['a > 1 or b > 2', ['a', 'b']],
    ['a unless b', ['a']],
    ['absent(a)', []],
    ['absent_over_time(a[5m])', []],
    ['a or vector(0)', []],
    ['(sum(rate(a[1m])) or vector(0)) / sum(rate(b[1m]))', ['b']],
    ['sum(rate(a[1m])) or 0 * sum(rate(b[1m]))', ['b']],
    ['a or b > 1', ['a', 'b']],
    ['a or b > bool 1', ['b']],
    ['a or (b and c)', ['a', 'b', 'c']],
    ['(a == 1) and on () absent_over_time(b[10s])', ['a']],
    ['a > scalar(b)', ['a', 'b']],
  ])('%s needs %j', (text, expected) => {
    expect(
      selectors(text)
        .filter((selector) => selector.required)
        .map(({ name }) => name),
    ).toEqual(expected);
  });

  test.each([
    ['sum(', 'EXPRESSION_INVALID'],
    ['a >', 'EXPRESSION_INVALID'],
    ['', 'EXPRESSION_INVALID'],
    ['a @ start()', 'EXPRESSION_UNSUPPORTED'],
    ['rate(a[5m + 1m])', 'EXPRESSION_UNSUPPORTED'],
  ])('`%s` is refused with %s', (text, code) => {
    expect(() => selectors(text)).toThrow(expect.objectContaining({ code }));
  });
});

test.each([
  ['rate(a:b[5m]) / c', 'rate(judged:a:b[5m]) / c'],
  ['{__name__="a:b", x="a:b"}', '{__name__="judged:a:b", x="a:b"}'],
  ['{"a:b"} + on (a) a:b', '{"judged:a:b"} + on (a) judged:a:b'],
  ['sum by (c) (a:b{a="a:b"})', 'sum by (c) (judged:a:b{a="a:b"})'],
])('renaming leaves all but metric names alone: %s', (text, expected) => {
  expect(renameMetrics(parseExpression(text), (name) => (name === 'a:b' ? `judged:${name}` : null))).toBe(expected);
});

describe('evidence that a rule could have fired', () => {
  test.each([
    ['a / b > 0.01', ['a / b']],
    ['0.9 > a', ['a']],
    ['a > on () group_left () b', ['a > bool on () group_left () b']],
    ['a > bool b', ['a > bool b']],
    ['a > 1 or b < 2', ['a', 'b']],
    ['(a > 1) or (b > c or d > 2)', ['a', 'b > bool c', 'd']],
    ['a or vector(0)', []],
    ['(sum(a) or vector(0)) <= on () (count(up) / 2)', ['(count(up))']],
    ['(x or y) > on () z', ['(x or y) > bool on () z']],
    ['absent(a) == 1', []],
    ['absent(a) and on () b > 1', ['b']],
    ['(a > 0) unless on () (b > 0)', ['(a)']],
    ['(a > 0) and on () ((count(b > 0) or vector(0)) <= on () (count(up) / 2))', ['(a) and on () ((count(up)))']],
    ['count(a == 0) > 1', ['count(a)']],
    ['max_over_time((a > 5)[1m:1s])', ['max_over_time((a)[1m:1s])']],
    ['clamp_min(5 * sum(rate(a[10s])), 100)', ['clamp_min(sum(rate(a[10s])), 100)']],
    [
      'histogram_quantile(0.99, sum by (le) (rate(a[5s]))) > 1',
      ['histogram_quantile(0.99, sum by (le) (rate(a[5s])))'],
    ],
    ['topk(3, a > 1)', ['topk(3, a)']],
    ['-a offset 5m < 1', ['-a offset 5m']],
    ['a > scalar(b)', ['a']],
    ['vector(1)', []],
  ])('%s', (text, expected) => {
    const evidence = evidenceOf(parseExpression(text));
    expect(evidence).toEqual(expected);
    for (const expr of evidence) parseExpression(expr);
  });
});

test.each([
  ['a > 1', false],
  ['a < 1', true],
  ['1 > a', true],
  ['1 < a', false],
  ['(a <= on () b) and c > 1', true],
  ['(sum(up) or vector(0)) < on () expected', true],
  ['scalar(limit) * 2 > a', true],
  ['absent(a)', false],
  ['a', false],
])('%s: low is bad: %s', (text, expected) => {
  expect(lowIsBad(parseExpression(text))).toBe(expected);
});
