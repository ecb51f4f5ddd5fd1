import { expect, test } from '@jest/globals';
import { needs, parseRules } from '../verdict/rules.ts';
import { seriesRules } from './series_rules.ts';

test('a mapped name is a recording rule, and a rule on it needs what it is made of', () => {
  expect(seriesRules({})).toEqual([]);
  const mapped = seriesRules({ metrics: { path: '/m', series: { raft_has_leader: 'etcd_server_has_leader == 1' } } });
  const alert = {
    name: 'a.rules.yml',
    text: 'groups: [{ name: g, rules: [{ alert: A, expr: raft_has_leader < 1 }] }]',
  };
  const rules = parseRules([alert, ...mapped], 1000);
  expect(needs(rules.alerts.get('A')!, rules).selectors.map(({ name }) => name)).toEqual([
    'raft_has_leader',
    'etcd_server_has_leader',
  ]);
});
