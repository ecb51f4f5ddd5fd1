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
  /** Which version the nodes start from, when it is not the working tree's; the fault `upgrade` brings them to that. */
  readonly startFrom?: 'previous';
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
  /** Operations started a second, whatever the system answers (open model). With `count`: the mean, 0 when nothing sets a pace. */
  readonly ratePerSecond: number;
  /** With `count`: the operations are spread over so long; 0 lets each client begin the next one as soon as it has an answer. */
  readonly durationMs: number;
  /** An operation that has not succeeded by then, retries included, has failed. */
  readonly deadlineMs: number;
  /** Set with the profile `count`: so many operations by so many clients, of which each waits for its answer (closed model). */
  readonly closed?: ClosedLoad;
  /** In [0, 1]; the script's own when absent. */
  readonly readShare?: number;
  /** Whether every operation is recorded, so that the checkers can judge. */
  readonly history: boolean;
}

export interface ClosedLoad {
  /** Operations in all. */
  readonly count: number;
  /** Clients, each with one operation at a time. */
  readonly concurrency: number;
  /** In bursts: the next one begins `pauseMs` after the last operation of the one before has ended. */
  readonly burst?: { readonly size: number; readonly pauseMs: number };
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
  /**
   * A role of the manifest (`leader`), `follower` (a node without the role `leader`), `followers` (all of those), `any`, `all`,
   * or `node:N`. With groups, their text: `node:0 | node:1, node:2`.
   */
  readonly target: string;
  /** Only of a partition: who stays together. Each node is in one group. */
  readonly groups?: readonly FaultGroup[];
  readonly parameters: FaultParameters;
  /** Of the first injection. */
  readonly atMs: number;
  readonly healAfterMs: number;
  /** When it is injected more than once: from the start of one injection to that of the next, and how often in all. */
  readonly repeat?: { readonly everyMs: number; readonly count: number };
}

/** A share of the nodes, in [0, 1], and how many those are, chosen by the seed; or these nodes. */
export type FaultGroup = { readonly share: number; readonly size: number } | { readonly nodes: readonly number[] };

/** Which of them a kind takes, and which it needs, is in `fault_kinds.ts`. */
export interface FaultParameters {
  readonly direction?: 'both' | 'in' | 'out';
  readonly delayMs?: number;
  readonly jitterMs?: number;
  readonly bytesPerSecond?: number;
  /** In (0, 1]. */
  readonly probability?: number;
  /** Of a clock, either way. */
  readonly offsetMs?: number;
  /** Of a clock; 1 is true time. */
  readonly rate?: number;
  /** A misbehaviour of the manifest. */
  readonly as?: string;
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
  /** Judged as if the run had lasted so many times as long; see `orchestrator/verdict/stretch.ts`. */
  readonly stretch?: number;
}
