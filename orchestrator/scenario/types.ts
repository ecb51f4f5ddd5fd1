/**
 * A scenario as the rest of the orchestrator sees it: parsed, checked, the `ci` overlay and the time scale applied.
 * Every duration is in milliseconds from the start of the load, every share is a ratio in [0, 1].
 */
import type { FaultKind } from '../../kit/system.ts';

export interface Scenario {
  readonly version: 1;
  /** Unique, without slashes: it is part of the run's id, e.g. `kv-leader-kill`. */
  readonly id: string;
  readonly title: string;
  readonly system: string;
  /** How many nodes. */
  readonly nodes: number;
  readonly load: LoadPlan;
  /** By the name in the file, e.g. `availability`, `write_p99`, `recovery`. */
  readonly objectives: Readonly<Record<string, Objective>>;
  readonly faults: readonly FaultPlan[];
  readonly criteria: readonly Criterion[];
  /** Wait after the load, so that the last scrape and the slowest checker are in. */
  readonly settleMs: number;
  /** Which schedule this is: the file's own, or shrunk by its `ci` overlay or by `--time-scale`. */
  readonly overlay: 'none' | 'ci';
  readonly timeScale: number;
}

export interface LoadPlan {
  /** Path under `loadtests/`, e.g. `kv/steady.ts`. */
  readonly script: string;
  /** Name of a load profile in `loadtests/`. */
  readonly profile: string;
  /** Operations started a second, whatever the system answers (open model). */
  readonly ratePerSecond: number;
  readonly durationMs: number;
  /** An operation that has not succeeded by then, retries included, has failed. */
  readonly deadlineMs: number;
}

/**
 * One objective with its unit. Durations are in seconds, percentages are ratios, rates are a second: the unit that the exported
 * `gameday_objective_<name>_<unit>` has.
 */
export interface Objective {
  readonly unit: 'seconds' | 'ratio' | 'per_second';
  readonly value: number;
}

export interface FaultPlan {
  /** Unique in the scenario; what `during` refers to. */
  readonly name: string;
  readonly kind: FaultKind;
  /** A role of the manifest (`leader`), `follower` (a node without the role `leader`), `any`, or `node:N`. */
  readonly target: string;
  readonly atMs: number;
  readonly healAfterMs: number;
}

export interface Criterion {
  /** Name of an alerting rule of this system or of the rules that all systems share. */
  readonly alert: string;
  readonly expect: 'silent' | 'firing';
  /** With `firing`: must fire inside this fault's window and be silent elsewhere. With `silent`: only that window counts. */
  readonly during?: string;
  /** With `silent`: firing inside the window of a fault is allowed. */
  readonly outside?: 'faults';
  /** With `firing`: at the latest so long after the fault was injected. */
  readonly withinMs?: number;
}
