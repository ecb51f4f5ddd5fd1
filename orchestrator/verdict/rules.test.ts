import { describe, expect, test } from '@jest/globals';
import { formatDuration, parseDuration } from './duration.ts';
import { checkJudgeable, definition, dependencies, needs, parseRules, reactionTime, ruleSpan } from './rules.ts';

const parse = (text: string) => parseRules([{ name: 'alerts/kv.rules.yml', text }], 1000);
const rules = (...lines: string[]) =>
  parse(`groups:\n  - name: g\n    rules:\n${lines.map((line) => `      - ${line}\n`).join('')}`);

test('durations in the notation of Prometheus', () => {
  expect(['1m30s', '250ms', '1h', '1d2h', '90', '1.5', '0s', 'x', '', '5 m', '1s1m'].map(parseDuration)).toEqual([
    90_000,
    250,
    3_600_000,
    93_600_000,
    90_000,
    1500,
    0,
    null,
    null,
    null,
    null,
  ]);
  expect([5, 999, 1000, 12_340, 119_000, 120_000, 200_000, 7_500_000].map(formatDuration)).toEqual([
    '5 ms',
    '999 ms',
    '1 s',
    '12.3 s',
    '119 s',
    '2 min',
    '3 min 20 s',
    '2 h 5 min',
  ]);
});

test('a rule file as it is read', () => {
  const text = `
groups:
  - name: fast
    interval: 500ms
    labels: { team: a, severity: info }
    rules:
      - alert: High
        expr: a > 1
        for: 1m30s
        keep_firing_for: 10s
        labels: { severity: critical }
        annotations: { summary: "it is {{ $value }}" }
      - record: a:b
        expr: sum(a)
  - name: slow
    rules: [{ alert: Low, expr: a < 1 }]
`;
  const { alerts, recordings } = parse(text);
  expect(alerts.get('High')).toMatchObject({
    forMs: 90_000,
    keepFiringForMs: 10_000,
    labels: { team: 'a', severity: 'critical' },
    annotations: { summary: 'it is {{ $value }}' },
    group: { key: 'alerts/kv.rules.yml;fast', intervalMs: 500 },
    place: 'alerts/kv.rules.yml:7',
  });
  expect(alerts.get('Low')).toMatchObject({ forMs: 0, group: { key: 'alerts/kv.rules.yml;slow', intervalMs: 1000 } });
  expect(recordings.get('a:b')).toMatchObject([{ kind: 'recording', labels: { team: 'a' } }]);
});

test.each([
  ['groups: [', 'RULES_INVALID', 'kv.rules.yml'],
  ['groups: [{ name: g, rules: [{ alert: A, expr: "sum(" }] }]', 'RULES_INVALID', 'kv.rules.yml:1: A: not PromQL'],
  ['groups: [{ name: g, rules: [{ expr: a }] }]', 'RULES_INVALID', 'exactly one of'],
  ['groups: [{ name: g, rules: [{ alert: A, record: b, expr: a }] }]', 'RULES_INVALID', 'exactly one of'],
  ['groups: [{ name: g, rules: [{ alert: A, expr: a, for: soon }] }]', 'RULES_INVALID', '`soon`'],
  ['groups: [{ name: g, interval: x, rules: [] }]', 'RULES_INVALID', 'interval of group g'],
  ['groups: [{ name: g, rules: [{ alert: A, expr: a }, { alert: A, expr: b }] }]', 'RULES_INVALID', 'also defined at'],
])('%s is refused', (text, code, message) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
});

describe('through recording rules', () => {
  const set = rules(
    '{ record: "a:rate", expr: "rate(a[30s])" }',
    '{ record: "a:max", expr: "max_over_time(a:rate[1m])" }',
    '{ record: "a:max", expr: "b", labels: { kind: other } }',
    '{ alert: Deep, expr: "a:max offset 10s > c", for: 5s }',
    '{ alert: Optional, expr: "(a:rate or vector(0)) > 1" }',
    '{ alert: Absent, expr: "absent(a:rate)" }',
  );
  const alert = (name: string) => set.alerts.get(name)!;

  test('the span is the longest chain', () => {
    expect(ruleSpan(alert('Deep'), set)).toBe(100_000);
    expect(reactionTime(alert('Deep'), set)).toBe(107_000);
    expect(ruleSpan(alert('Optional'), set)).toBe(30_000);
  });

  test('each rule comes after those that it reads', () => {
    expect(dependencies(alert('Deep'), set).map((rule) => rule.expression.text)).toEqual([
      'rate(a[30s])',
      'max_over_time(a:rate[1m])',
      'b',
    ]);
  });

  test('what is needed is followed down to the raw series, unless it is optional', () => {
    const texts = (name: string) =>
      needs(alert(name), set).selectors.map((selector) => selector.text + selector.range + selector.offset);
    expect(texts('Deep')).toEqual(['a:max offset 10s', 'a:rate[1m]', 'a[30s]', 'b', 'c']);
    expect(texts('Optional')).toEqual([]);
    expect(texts('Absent')).toEqual([]);
    expect(needs(alert('Deep'), set).evidence).toEqual(['a:max offset 10s > bool c']);
  });

  test('a definition changes with whatever the rule reads, and not with white space or annotations', () => {
    const other = (expr: string) => {
      const changed = rules(
        `{ record: "a:rate", expr: "${expr}" }`,
        '{ alert: A, expr: "a:rate >  1", annotations: { summary: x } }',
      );
      return definition(changed.alerts.get('A')!, changed);
    };
    const plain = rules('{ record: "a:rate", expr: "rate(a[30s])" }', '{ alert: A, expr: "a:rate > 1" }');
    expect(other('rate(a[30s])')).toBe(definition(plain.alerts.get('A')!, plain));
    expect(other('rate(a[31s])')).not.toBe(definition(plain.alerts.get('A')!, plain));
  });
});

test('a circle of recording rules is an error that shows it', () => {
  const set = rules(
    '{ record: "a:x", expr: "b:x" }',
    '{ record: "b:x", expr: "a:x + 1" }',
    '{ alert: A, expr: "a:x > 1" }',
  );
  expect(() => dependencies(set.alerts.get('A')!, set)).toThrow(
    expect.objectContaining({ code: 'RULES_CYCLE', message: expect.stringContaining('a:x → b:x → a:x') }),
  );
});

test.each([
  ['{job=\\"kv\\"} > 1', 'names no metric'],
  ['ALERTS == 1', 'depends on alerts'],
  ['x:y > 1', 'no rule file records'],
])('%s cannot be judged after the run', (expr, message) => {
  const set = rules(`{ alert: A, expr: "${expr}" }`);
  expect(() => checkJudgeable(set.alerts.get('A')!, set)).toThrow(
    expect.objectContaining({ code: 'EXPRESSION_UNSUPPORTED', message: expect.stringContaining(message) }),
  );
});
