/**
 * What a load script is told, as environment variables: `GAMEDAY_LOAD` holds one JSON document of the type `LoadInput`, the rest
 * is k6's own configuration. Scripts under `loadtests/` read it as `JSON.parse(__ENV.GAMEDAY_LOAD)`.
 */
import type { ClosedLoad, Objective, Scenario } from '../scenario/types.ts';

export interface LoadInput {
  readonly runId: string;
  /** Counts the k6 processes of one run, from 0: a soak is a chain of them. */
  readonly segment: number;
  readonly seed: number;
  /** Base URLs of all nodes, in the order of their indices, e.g. `http://127.0.0.1:40123`. */
  readonly targets: readonly string[];
  readonly profile: string;
  /** Operations started a second; means nothing with the profile `count`. */
  readonly ratePerSecond: number;
  readonly durationSeconds: number;
  /** Of the profile `count`. */
  readonly closed?: {
    readonly count: number;
    readonly concurrency: number;
    readonly burst?: { readonly size: number; readonly pauseSeconds: number };
  };
  readonly readShare?: number;
  /** Whether every operation is recorded. */
  readonly history: boolean;
  /** Whether k6's own summary counts by outcome. */
  readonly summaryByOutcome?: boolean;
  /** An operation, retries included, that has not succeeded by then has failed. */
  readonly deadlineSeconds: number;
  /** k6 judges the whole load and cannot leave a fault's window out, so thresholds differ where faults are planned. */
  readonly faultsPlanned: boolean;
  /** Durations in seconds, percentages as ratios, rates a second. */
  readonly objectives: Readonly<Record<string, Objective>>;
}

export interface LoadEnvironmentOptions {
  readonly runId: string;
  readonly segment: number;
  readonly seed: number;
  readonly targets: readonly string[];
  readonly scenario: Scenario;
  /** Base URL of the Prometheus that receives what k6 measures. */
  readonly prometheusUrl: string;
}

export function loadInput(options: LoadEnvironmentOptions): LoadInput {
  const { scenario } = options;
  const { closed, readShare } = scenario.load;
  return {
    runId: options.runId,
    segment: options.segment,
    seed: options.seed,
    targets: options.targets,
    profile: scenario.load.profile,
    ratePerSecond: scenario.load.ratePerSecond,
    durationSeconds: scenario.load.durationMs / 1000,
    ...(closed === undefined ? {} : { closed: closedInput(closed) }),
    ...(readShare === undefined ? {} : { readShare }),
    history: scenario.load.history,
    deadlineSeconds: scenario.load.deadlineMs / 1000,
    faultsPlanned: scenario.faults.length > 0,
    objectives: scenario.objectives,
  };
}

function closedInput({ count, concurrency, burst }: ClosedLoad): NonNullable<LoadInput['closed']> {
  if (burst === undefined) return { count, concurrency };
  return { count, concurrency, burst: { size: burst.size, pauseSeconds: burst.pauseMs / 1000 } };
}

/** Variables for the k6 process, on top of the orchestrator's own environment. */
export function loadEnvironment(options: LoadEnvironmentOptions): Record<string, string> {
  return {
    GAMEDAY_LOAD: JSON.stringify(loadInput(options)),
    K6_PROMETHEUS_RW_SERVER_URL: `${options.prometheusUrl}/api/v1/write`,
    // The default turns trends into gauges, which cannot be aggregated over segments or nodes.
    K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: 'true',
    // Without stale markers the last sample of a finished test lives on for five minutes.
    K6_PROMETHEUS_RW_STALE_MARKERS: 'true',
    K6_PROMETHEUS_RW_PUSH_INTERVAL: '1s',
    K6_NO_USAGE_REPORT: 'true',
  };
}
