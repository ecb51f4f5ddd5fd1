/**
 * k6 thresholds from the objectives of the scenario: the same numbers that the rules in `alerts/` compare with.
 *
 * A threshold on a metric without data passes (grafana/k6#4283), so each has a rule as its twin, which fails closed:
 *
 * | threshold                  | rule                  |
 * |----------------------------|-----------------------|
 * | operations{outcome:failed} | ErrorBudgetSpent      |
 * | operation_duration         | Kv…LatencyHigh        |
 * | dropped_iterations         | LoadIterationsDropped |
 * | stale_reads                | StaleRead           |
 * | duplicate_writes           | WriteDuplicated     |
 */
import type { LoadInput } from './environment.ts';

/** With fewer operations one failure is more than 99.9 % allows, and nothing can be concluded. The rules use the same number. */
export const OPERATIONS_MIN = 1000;

/** `write_p99` → the submetric and the statistic of the threshold. */
const LATENCY = /^(write|read)_p(\d{2,3})$/;

/**
 * @param planned how many operations the profile starts
 * @returns thresholds by metric, as k6's options take them
 */
export function thresholds(input: LoadInput, planned: number): Record<string, string[]> {
  const result: Record<string, string[]> = { stale_reads: ['count==0'], duplicate_writes: ['count==0'] };
  const availability = input.objectives.availability;
  if (availability !== undefined && planned >= OPERATIONS_MIN) {
    const budget = Math.floor((1 - availability.value) * planned + 1e-9);
    result['operations{outcome:failed}'] = [`count<=${budget}`];
    result.dropped_iterations = [`count<=${budget}`];
  }
  // k6 judges the whole load. Where faults are planned, latency is left to the rules, which a criterion can limit to the time
  // outside of them.
  if (!input.faultsPlanned) {
    for (const [name, objective] of Object.entries(input.objectives)) {
      const match = LATENCY.exec(name);
      if (match === null) continue;
      // p999 is the 99.9th percentile.
      const percentile = Number(match[2]) / 10 ** (String(match[2]).length - 2);
      result[`operation_duration{operation:${match[1]}}`] = [`p(${percentile})<${objective.value * 1000}`];
    }
  }
  return result;
}
