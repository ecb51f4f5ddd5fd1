import { expect, test } from '@jest/globals';
import { withConstants } from './constants.ts';
import { exportRules } from './export.ts';
import { parseExpression } from './expression.ts';

const VALUES = new Map([
  ['gameday_objective_write_p99_seconds', 0.05],
  ['gameday_objective_availability_ratio', 0.999],
]);

test.each([
  // Joined so that the left keeps its labels: a comparison with a number keeps them just so.
  ['x > on () group_left () gameday_objective_write_p99_seconds', 'x > 0.05'],
  ['x > on() group_left(gameday_objective_write_p99_seconds / 2)', null],
  ['rate(x[1m])\n  > on () group_left ()\n  (gameday_objective_write_p99_seconds / 2)', 'rate(x[1m])\n  > (0.05 / 2)'],
  ['x > bool on () group_left () gameday_objective_write_p99_seconds', 'x > bool 0.05'],
  ['(y >= 1) * on () group_left () (1 - gameday_objective_availability_ratio)', '(y >= 1) * (1 - 0.999)'],
  // Without group_left the result has no labels; with labels to join on it is not for every series.
  ['x > on () gameday_objective_write_p99_seconds', 'x > on () vector(0.05)'],
  ['x > on (a) group_left () gameday_objective_write_p99_seconds', 'x > on (a) group_left () vector(0.05)'],
  ['x > on () group_left (a) gameday_objective_write_p99_seconds', 'x > on () group_left (a) vector(0.05)'],
  ['clamp_min(5 * gameday_objective_write_p99_seconds, 1) < on () x', 'clamp_min(5 * vector(0.05), 1) < on () x'],
  [
    'x > on () group_left () (gameday_objective_write_p99_seconds * on () y)',
    'x > on () group_left () (vector(0.05) * on () y)',
  ],
  ['gameday_objective_write_p99_seconds{job="gameday"} or x', 'vector(0.05) or x'],
  ['x > 1', 'x > 1'],
])('%s', (before, after) => {
  const written = () => withConstants(parseExpression(before), (name) => VALUES.get(name) ?? null);
  if (after === null) expect(written).toThrow();
  else expect(written()).toBe(after);
});

test('an objective over time is refused: a number has no past', () => {
  const text = 'x > on () group_left () max_over_time(gameday_objective_write_p99_seconds[1m])';
  expect(() => withConstants(parseExpression(text), () => 1)).toThrow(
    expect.objectContaining({ code: 'EXPRESSION_UNSUPPORTED' }),
  );
});

const RULES = `
groups:
  - name: alerts
    rules:
      - { alert: Slow, expr: 'b:p99 > on () group_left () gameday_objective_write_p99_seconds', for: 5s, annotations: { runbook_url: '{{ $externalLabels.runbook_base }}docs/Slow.md', dashboard_url: '{{ $externalLabels.dashboard_base }}d/x', drill: kv/drills/slow, stays: 'it does' } }
      - { alert: InRun, expr: 'gameday_recovery_seconds > on () group_left () gameday_objective_recovery_seconds' }
      - { alert: OfClients, expr: 'k6:ratio < 0.9' }
      - { alert: OfRuns, expr: 'sum by (run_id) (x) > 1' }
      - { alert: OfBoth, expr: 'both:ratio < 0.9' }
  - name: computed
    interval: 30s
    rules:
      - { record: 'b:p99', expr: 'a:rate / 2' }
      - { record: 'a:rate', expr: 'rate(x[8s])' }
      - { record: 'k6:ratio', expr: 'rate(k6_operations_total[1m])' }
      - { record: 'both:ratio', expr: 'rate(k6_operations_total[1m])', labels: { of: clients } }
      - { record: 'both:ratio', expr: 'rate(http_requests_total[1m])', labels: { of: servers } }
`;

test('what a production has is exported, computed before it is read; the rest is named with its reason', () => {
  const { groups, leftOut, missing, objectives, shortest } = exportRules([{ name: 'r.yml', text: RULES }], {
    objectives: VALUES,
    runbookBase: 'https://git/',
  });
  expect(
    groups.map(({ name, interval, rules }) => [name, interval, rules.map((rule) => rule.alert ?? rule.record)]),
  ).toEqual([
    ['computed', '30s', ['a:rate', 'b:p99', 'both:ratio']],
    ['alerts', undefined, ['Slow', 'OfBoth']],
  ]);
  expect(groups[1]!.rules[0]).toEqual({
    ...{ alert: 'Slow', expr: 'b:p99 > 0.05', for: '5s' },
    annotations: { runbook_url: 'https://git/docs/Slow.md', dashboard_url: '{{ $externalLabels.dashboard_base }}d/x' },
  });
  expect(leftOut.map(({ name, kind, because }) => `${kind} ${name}: ${because}`).sort()).toEqual([
    'alert InRun: it reads gameday_recovery_seconds, which only a run has',
    'alert OfClients: it reads k6:ratio, which is left out: it reads k6_operations_total, which only a run has',
    'alert OfRuns: it tells runs apart by the label run_id',
    'recording rule both:ratio{of="clients"}: it reads k6_operations_total, which only a run has',
    'recording rule k6:ratio: it reads k6_operations_total, which only a run has',
  ]);
  expect([...missing]).toEqual([]);
  expect([...objectives]).toEqual(['gameday_objective_write_p99_seconds', 'gameday_objective_recovery_seconds']);
  expect(shortest).toEqual({ rule: 'a:rate', rangeMs: 8000 });
});

test('an objective without a value is missing where an exported rule reads it, and there only', () => {
  const { missing } = exportRules([{ name: 'r.yml', text: RULES }], { objectives: new Map() });
  expect([...missing]).toEqual([['gameday_objective_write_p99_seconds', ['Slow']]]);
});

const oneRule = (rule: string, name = 'rules.yml') => ({ name, text: `groups: [{ name: g, rules: [${rule}] }]` });

test('an objective that a rule can do without need not be given', () => {
  const expr = 'x > on () group_left () ((gameday_objective_write_p99_seconds / 2) or on () vector(0.01))';
  const { groups, missing } = exportRules([oneRule(`{ alert: A, expr: '${expr}' }`)], { objectives: new Map() });
  expect([groups[0]!.rules[0]!.expr, missing.size]).toEqual([expr, 0]);
});

test('another name for a metric is exported where a rule reads it: elsewhere others have that name', () => {
  const mapped = ['{ record: http_requests_total, expr: grpc_server_handled_total }', '{ record: y, expr: z }'];
  const { groups, leftOut } = exportRules(
    [oneRule("{ alert: A, expr: 'rate(y[1m]) > 1' }")],
    { objectives: new Map() },
    mapped.map((rule, index) => oneRule(rule, `${index}.yml`)),
  );
  expect(groups.flatMap(({ rules }) => rules.map(({ alert, record }) => alert ?? record))).toEqual(['y', 'A']);
  expect(leftOut).toEqual([
    { name: 'http_requests_total', kind: 'recording rule', because: 'no rule that is exported reads it' },
  ]);
});
