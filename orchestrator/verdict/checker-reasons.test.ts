import { expect, test } from '@jest/globals';
import type { RunRecord } from '../run/record.ts';
import { withCheckerReasons } from './checker-reasons.ts';
import type { CriterionResult } from './types.ts';

const criterion = (alert: string, result: CriterionResult['result'], expr: string) =>
  ({ alert, result, expr, reason: 'no series' }) as CriterionResult;
const waiting = 'x or on () 0 * gameday_checker_pending{checker="linearizability"}';

test('an inconclusive criterion says why its checker has no result, and no other criterion does', () => {
  const record = { checkers: { problems: { linearizability: 'the clock stepped' } } } as unknown as RunRecord;
  const criteria = [
    criterion('NotLinearizable', 'inconclusive', waiting),
    criterion('NotLinearizable', 'fail', waiting),
    criterion('KvNoLeader', 'inconclusive', 'raft_has_leader'),
  ];
  expect(withCheckerReasons(record, criteria).map(({ reason }) => reason)).toEqual([
    'the checker of linearizability came to no result: the clock stepped (no series)',
    'no series',
    'no series',
  ]);
});

test('a run without checkers is left as it is', () => {
  const criteria = [criterion('NotLinearizable', 'inconclusive', waiting)];
  expect(withCheckerReasons({} as RunRecord, criteria)).toEqual(criteria);
});
