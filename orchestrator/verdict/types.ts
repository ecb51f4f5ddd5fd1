/** What the judge concludes about a run, and why. All times are epoch milliseconds, all lengths of time milliseconds. */

export type Result = 'pass' | 'fail' | 'inconclusive';

/** `from` is the first evaluation in the state, `to` the first one no longer in it (or the end of the judged window). */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A stretch in which one label set of an alert was pending or firing. */
export interface Interval extends Span {
  /** Labels of the alert without `alertname` and those that the rule adds; without the metric's name. */
  readonly labels: Readonly<Record<string, string>>;
  /** The value furthest on the wrong side: the lowest one for a rule that compares with `<`, else the highest; null when unknown. */
  readonly peak: number | null;
}

export interface Verdict {
  readonly result: Result;
  readonly criteria: readonly CriterionResult[];
  /** Why the result is not `pass`: one sentence each, the failing criteria first, then what made the run inconclusive. */
  readonly reasons: readonly string[];
  /** Epoch milliseconds. The only field in which two judgements of one run may differ. */
  readonly judgedAt: number;
}

export interface CriterionResult {
  readonly alert: string;
  readonly expect: 'silent' | 'firing';
  readonly during?: string;
  readonly outside?: 'faults';
  readonly withinMs?: number;
  /** Judged as if the run had lasted so many times as long. Times here are the run's own; lengths in `reason` are virtual. */
  readonly stretch?: number;
  readonly result: Result;
  /** One sentence for a person. */
  readonly reason: string;
  /** From the start of the load to the end of settling. */
  readonly window: Span;
  readonly pending: readonly Interval[];
  readonly firing: readonly Interval[];
  /** Firing stretches of the `ALERTS` series that the run's own Prometheus recorded. */
  readonly alertsSeries: readonly Interval[];
  /** Names of the faults in force while the alert fired. */
  readonly faultsActive: readonly string[];
  readonly expr: string;
  /** The rule's `for`, in milliseconds. */
  readonly for: number;
  /** The rule's annotations as written (templates not expanded): summary, description, runbook_url, dashboard_url. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}
