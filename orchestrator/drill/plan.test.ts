import { expect, test } from '@jest/globals';
import { parseRules } from '../verdict/rules.ts';
import { expectedMs, healthyBeside, planDrills } from './plan.ts';

const RULES = `
groups:
  - name: g
    rules:
      - { alert: NoLeader, expr: 'a > 0', annotations: { drill: kv/drills/outage } }
      - { alert: DiskFull, expr: 'b > 0', annotations: { drill: kv/drills/disk } }
      - { alert: Slow, expr: 'c > 0', annotations: { drill: kv/drills/outage } }
`;
const { alerts } = parseRules([{ name: 'alerts/x.rules.yml', text: RULES }], 1000);

test('a scenario is run once, however many alerts it drills', () => {
  expect(planDrills(alerts, [])).toEqual([
    { scenario: 'kv/drills/outage', alerts: ['NoLeader', 'Slow'] },
    { scenario: 'kv/drills/disk', alerts: ['DiskFull'] },
  ]);
});

test('only what was chosen, in the order of the rules', () => {
  expect(planDrills(alerts, ['Slow', 'DiskFull'])).toEqual([
    { scenario: 'kv/drills/disk', alerts: ['DiskFull'] },
    { scenario: 'kv/drills/outage', alerts: ['Slow'] },
  ]);
  expect(planDrills(alerts, ['Slow'])).toEqual([{ scenario: 'kv/drills/outage', alerts: ['Slow'] }]);
});

test('an unknown name is refused with the nearest one', () => {
  expect(() => planDrills(alerts, ['DiskFul'])).toThrow(
    'no rule in alerts/ is named "DiskFul" — did you mean "DiskFull"? `gameday drill --list` shows them all',
  );
});

test('an alert without a drill cannot be drilled', () => {
  const undrilled = parseRules([{ name: 'x', text: 'groups: [{ name: g, rules: [{ alert: A, expr: a }] }]' }], 1000);
  expect(() => planDrills(undrilled.alerts, ['A'])).toThrow('A has no drill');
});

test('the healthy run stands beside the drill, and the time of all is known before', () => {
  expect(healthyBeside('kv/drills/disk')).toBe('kv/drills/healthy');
  const load = {
    script: 'x.ts',
    profile: 'steady',
    ratePerSecond: 1,
    durationMs: 30_000,
    deadlineMs: 1,
    history: true,
  };
  expect(expectedMs({ load, settleMs: 8000 })).toBe(50_000);
});
