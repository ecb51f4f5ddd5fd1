/**
 * What the checkers found, as metrics. A result's series exists from the moment at which its checker has concluded and never
 * before: silence of a rule on it would otherwise be taken for a proof.
 */
import type { Metrics } from '../../kit/metrics.ts';
import type { DurabilityResult, LinearizabilityResult, StateComparison } from '../checkers/types.ts';
import type { CheckerName } from './record.ts';

export interface CheckerMetrics {
  linearizability(result: LinearizabilityResult): void;
  durability(result: DurabilityResult): void;
  states(result: StateComparison, seconds: number): void;
  /** There will be no result. */
  gaveUp(checker: CheckerName): void;
}

/** @param expected those that will run: each is pending until it has concluded */
export function createCheckerMetrics(metrics: Metrics, expected: readonly CheckerName[]): CheckerMetrics {
  const pending = metrics.gauge({
    name: 'gameday_checker_pending',
    help: '1 while the result of a checker may still come, 0 when it will not; absent once there is one.',
    labels: ['checker'],
  });
  for (const checker of expected) pending.set({ checker }, 1);
  const seconds = metrics.gauge({
    name: 'gameday_checker_seconds',
    help: 'How long a checker took.',
    labels: ['checker'],
  });
  const conclude = (
    checker: CheckerName,
    took: number,
    results: Readonly<Record<string, readonly [string, number]>>,
  ) => {
    for (const [name, [help, value]] of Object.entries(results)) metrics.gauge({ name, help }).set(value);
    seconds.set({ checker }, took);
    pending.remove({ checker });
  };
  return {
    linearizability: (result) =>
      conclude('linearizability', result.seconds, {
        gameday_linearizability_violations: ['Entries whose operations no order explains.', result.violatingKeys],
        gameday_linearizability_operations_checked: ['Operations in the history that was checked.', result.operations],
      }),
    durability: (result) =>
      conclude('durability', result.seconds, {
        gameday_acknowledged_writes_lost: ['Acknowledged writes of which nothing is left.', result.lostWrites],
        gameday_acknowledged_writes_checked: ['Acknowledged writes that were looked for.', result.writes],
      }),
    states: ({ distinct }, took) =>
      conclude('states', took, {
        gameday_state_hashes_distinct: ['Different state hashes of the nodes at one applied index.', distinct ?? 0],
      }),
    gaveUp: (checker) => pending.set({ checker }, 0),
  };
}
