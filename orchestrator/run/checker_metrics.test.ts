import { expect, test } from '@jest/globals';
import { needs } from '../verdict/rules.ts';
import { PROJECT_ROOT } from './project.ts';
import { readRules } from './rules.ts';

test.each([
  ['NotLinearizable', 'gameday_linearizability_violations'],
  ['AcknowledgedWriteLost', 'gameday_acknowledged_writes_lost'],
  ['StatesDiverged', 'gameday_state_hashes_distinct'],
])('%s is inconclusive without %s, and decidable before it is there', async (alert, result) => {
  const rules = await readRules(PROJECT_ROOT, ['alerts/gameday.rules.yml']);
  const { selectors, evidence } = needs(rules.alerts.get(alert)!, rules);
  expect(selectors.map(({ name }) => name)).toContain(result);
  // The pending checker stands for the result while the load runs: otherwise the whole load would be a blind stretch.
  const decidable = evidence.filter((expression) => expression.includes(result));
  expect(decidable).toEqual([expect.stringContaining('gameday_checker_pending')]);
});
