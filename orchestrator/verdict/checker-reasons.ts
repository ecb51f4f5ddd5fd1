/** Why a criterion that needs a checker's result had none, in the checker's own words. Pure. */
import { CHECKERS, type RunRecord } from '../run/record.ts';
import type { CriterionResult } from './types.ts';

/** A rule that waits for a checker names it: `gameday_checker_pending{checker="linearizability"}`. */
const waitsFor = (expr: string, checker: string) => expr.includes(`checker="${checker}"`);

export function withCheckerReasons(record: RunRecord, criteria: readonly CriterionResult[]): CriterionResult[] {
  const problems = record.checkers?.problems ?? {};
  return criteria.map((criterion) => {
    const because = CHECKERS.flatMap((checker) =>
      problems[checker] !== undefined && waitsFor(criterion.expr, checker)
        ? [`the checker of ${checker} came to no result: ${problems[checker]}`]
        : [],
    );
    if (criterion.result !== 'inconclusive' || because.length === 0) return criterion;
    return { ...criterion, reason: `${because.join('; ')} (${criterion.reason})` };
  });
}
