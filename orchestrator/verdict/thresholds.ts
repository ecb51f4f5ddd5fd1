/** Which of k6's thresholds the load crossed. They are made of the same objectives as rules, their twins (`loadtests/lib/objectives.ts`). */
import type { Criterion } from '../scenario/types.ts';

export interface CrossedThreshold {
  /** `operations{outcome:failed}` */
  readonly metric: string;
  /** `count<=3` */
  readonly expression: string;
  /** What the expression was compared with, when the summary has it. */
  readonly value: number | null;
}

/** The rule that says the same as a threshold on this metric; systems prefix theirs. */
const TWINS: readonly (readonly [metric: RegExp, alert: RegExp])[] = [
  [/^operations\b/, /^ErrorBudgetSpent$/],
  [/^dropped_iterations$/, /^LoadIterationsDropped$/],
  [/^stale_reads$/, /StaleRead$/],
  [/^duplicate_writes$/, /WriteDuplicated$/],
  [/^operation_duration\{operation:write\}$/, /WriteLatencyHigh$/],
  [/^operation_duration\{operation:read\}$/, /ReadLatencyHigh$/],
];

interface Summary {
  readonly metrics?: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
}

/** From the text that `--summary-export` wrote, in which true means crossed. Empty when the text is none. */
export function crossedThresholds(summary: string): CrossedThreshold[] {
  let parsed: Summary | null;
  try {
    parsed = JSON.parse(summary) as Summary | null;
  } catch {
    return [];
  }
  return Object.entries(parsed?.metrics ?? {}).flatMap(([metric, values]) =>
    Object.entries(values?.thresholds ?? {})
      .filter(([, crossed]) => crossed === true)
      .map(([expression]) => {
        const value = values?.[/^(p\([\d.]+\)|\w+)/.exec(expression)?.[0] ?? ''];
        return { metric, expression, value: typeof value === 'number' ? value : null };
      }),
  );
}

/**
 * One sentence for each threshold that says something against the run. Where the scenario expects the twin `firing`, the load
 * is meant to cross it, as in a drill; whether it did so at the right time is the criterion's to say.
 */
export function thresholdReasons(crossed: readonly CrossedThreshold[], criteria: readonly Criterion[]): string[] {
  const expected = criteria.filter(({ expect }) => expect === 'firing').map(({ alert }) => alert);
  return crossed
    .filter(({ metric }) => {
      const twin = TWINS.find(([pattern]) => pattern.test(metric))?.[1];
      return twin === undefined || !expected.some((alert) => twin.test(alert));
    })
    .map(({ metric, expression, value }) => {
      const was = value === null ? '' : `: it was ${Number(value.toPrecision(4))}`;
      return `k6 crossed the threshold \`${expression}\` on ${metric}, which comes from the objectives${was}`;
    });
}
