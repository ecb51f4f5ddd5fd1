/**
 * What the orchestrator tells a load script: one JSON document in the variable `GAMEDAY_LOAD`. Nothing else is read from the
 * environment, so a run by hand needs this one variable (see README.md).
 */

/** An objective of the scenario: durations in seconds, percentages as ratios, rates a second. */
export interface Objective {
  readonly unit: 'seconds' | 'ratio' | 'per_second';
  readonly value: number;
}

export interface LoadInput {
  readonly runId: string;
  /** Counts the k6 processes of one run, from 0: a soak is a chain of them. */
  readonly segment: number;
  readonly seed: number;
  /** Base URLs of all nodes in the order of their indices, e.g. `http://127.0.0.1:40123`. */
  readonly targets: readonly string[];
  /** A name in `profiles.ts`. */
  readonly profile: string;
  /** Operations started a second, whatever the system answers. Not of the profile `count`. */
  readonly ratePerSecond: number;
  /** With the profile `count` 0 when nothing sets a pace: each client begins as soon as it has the answer to the one before. */
  readonly durationSeconds: number;
  /** Of the profile `count` only. */
  readonly closed?: ClosedLoad;
  /** Share of the operations that are reads, in [0, 1], where the script lets it be chosen. */
  readonly readShare: number;
  /** Whether every operation is written to the console, for the checkers (see history.ts). Costs k6 60 to 80 µs of CPU each. */
  readonly history: boolean;
  /** Whether k6's own summary counts operations and attempts by outcome (see options.ts): for who has no Prometheus to ask. */
  readonly summaryByOutcome: boolean;
  readonly objectives: Readonly<Record<string, Objective>>;
  /** An operation, retries included, that has not succeeded by then has failed. */
  readonly deadlineSeconds: number;
  /** After so long without an answer another node is asked. */
  readonly attemptTimeoutSeconds: number;
  /** Whether faults are planned: k6 judges the whole load and cannot leave a fault's window out (see objectives.ts). */
  readonly faultsPlanned: boolean;
}

/** Closed model: so many operations by so many clients, of which each waits for its answer. */
export interface ClosedLoad {
  /** Operations in all. */
  readonly count: number;
  readonly concurrency: number;
  /** In bursts: the next one begins `pauseSeconds` after the last operation of the one before has ended. */
  readonly burst?: { readonly size: number; readonly pauseSeconds: number };
}

/** What a script takes when it is not told: the defaults of the document, for a run by hand. */
export type LoadDefaults = ClosedLoad & { readonly readShare?: number };

const DEADLINE_SECONDS_DEFAULT = 5;
const READ_SHARE_DEFAULT = 0.5;
/** The profile of the closed model; all others are in profiles.ts. */
export const COUNT = 'count';

function number(document: Record<string, unknown>, field: string, min: number, fallback?: number): number {
  const value = document[field] ?? fallback;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < min) {
    throw new Error(`GAMEDAY_LOAD: ${field} = ${JSON.stringify(value)}: expected a number of at least ${min}`);
  }
  return value;
}

function text(document: Record<string, unknown>, field: string): string {
  const value = document[field];
  if (typeof value !== 'string' || value === '') {
    throw new Error(`GAMEDAY_LOAD: ${field} = ${JSON.stringify(value)}: expected text`);
  }
  return value;
}

function targets(document: Record<string, unknown>): readonly string[] {
  const value = document.targets;
  if (!Array.isArray(value) || value.length === 0 || !value.every((url) => /^https?:\/\/[^/]+$/.test(String(url)))) {
    throw new Error(
      `GAMEDAY_LOAD: targets = ${JSON.stringify(value)}: expected base URLs such as http://127.0.0.1:8080`,
    );
  }
  return value as string[];
}

function objectives(document: Record<string, unknown>): LoadInput['objectives'] {
  const value = (document.objectives ?? {}) as Record<string, Objective>;
  for (const [name, objective] of Object.entries(value)) {
    if (!['seconds', 'ratio', 'per_second'].includes(objective?.unit) || typeof objective.value !== 'number') {
      throw new Error(`GAMEDAY_LOAD: objectives.${name} = ${JSON.stringify(objective)}: expected { unit, value }`);
    }
  }
  return value;
}

function whole(document: Record<string, unknown>, field: string, fallback?: number): number {
  const value = number(document, field, 1, fallback);
  if (Number.isInteger(value)) return value;
  throw new Error(`GAMEDAY_LOAD: ${field} = ${value}: expected a whole number`);
}

function share(document: Record<string, unknown>, field: string, fallback: number): number {
  const value = number(document, field, 0, fallback);
  if (value <= 1) return value;
  throw new Error(`GAMEDAY_LOAD: ${field} = ${value}: expected a share from 0 to 1`);
}

function closedLoad(document: Record<string, unknown>, defaults: LoadDefaults): ClosedLoad {
  const given = (document.closed ?? {}) as Record<string, unknown>;
  const concurrency = whole(given, 'concurrency', defaults.concurrency);
  const burst = given.burst ?? (given.count === undefined ? defaults.burst : undefined);
  const count = whole(given, 'count', defaults.count);
  if (burst === undefined) return { count, concurrency };
  const { size, pauseSeconds } = {
    size: whole(burst as Record<string, unknown>, 'size'),
    pauseSeconds: number(burst as Record<string, unknown>, 'pauseSeconds', 0),
  };
  return { count, concurrency, burst: { size, pauseSeconds } };
}

/**
 * Reads and checks the input of a load script.
 * @param variables k6's `__ENV`
 * @param defaults of a script whose load is counted
 * @throws Error that names the field, its value and what was expected
 */
export function readLoadInput(
  variables: Readonly<Record<string, string | undefined>>,
  defaults: LoadDefaults = { count: 100, concurrency: 10 },
): LoadInput {
  const json = variables.GAMEDAY_LOAD;
  if (json === undefined) {
    throw new Error('GAMEDAY_LOAD is not set: start the script with `gameday run`, or see loadtests/README.md');
  }
  const document = JSON.parse(json) as Record<string, unknown>;
  const deadlineSeconds = number(document, 'deadlineSeconds', 0.1, DEADLINE_SECONDS_DEFAULT);
  const profile = text(document, 'profile');
  const counted = profile === COUNT;
  return {
    runId: text(document, 'runId'),
    segment: number(document, 'segment', 0, 0),
    seed: number(document, 'seed', 0),
    targets: targets(document),
    profile,
    ratePerSecond: counted ? 0 : number(document, 'ratePerSecond', Number.MIN_VALUE),
    durationSeconds: counted ? number(document, 'durationSeconds', 0, 0) : number(document, 'durationSeconds', 1),
    ...(counted ? { closed: closedLoad(document, defaults) } : {}),
    readShare: share(document, 'readShare', defaults.readShare ?? READ_SHARE_DEFAULT),
    history: document.history !== false,
    summaryByOutcome: document.summaryByOutcome === true,
    objectives: objectives(document),
    deadlineSeconds,
    // Long enough that a leader election (about a second) is waited for by the node that was asked, short enough that a paused
    // node leaves time for two more attempts within the deadline.
    attemptTimeoutSeconds: number(document, 'attemptTimeoutSeconds', 0.05, deadlineSeconds * 0.4),
    faultsPlanned: document.faultsPlanned !== false,
  };
}
