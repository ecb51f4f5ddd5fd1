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
  /** Operations started a second, whatever the system answers. */
  readonly ratePerSecond: number;
  readonly durationSeconds: number;
  readonly objectives: Readonly<Record<string, Objective>>;
  /** An operation, retries included, that has not succeeded by then has failed. */
  readonly deadlineSeconds: number;
  /** After so long without an answer another node is asked. */
  readonly attemptTimeoutSeconds: number;
  /** Whether faults are planned: k6 judges the whole load and cannot leave a fault's window out (see objectives.ts). */
  readonly faultsPlanned: boolean;
}

const DEADLINE_SECONDS_DEFAULT = 5;

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

/**
 * Reads and checks the input of a load script.
 * @param variables k6's `__ENV`
 * @throws Error that names the field, its value and what was expected
 */
export function readLoadInput(variables: Readonly<Record<string, string | undefined>>): LoadInput {
  const json = variables.GAMEDAY_LOAD;
  if (json === undefined) {
    throw new Error('GAMEDAY_LOAD is not set: start the script with `gameday run`, or see loadtests/README.md');
  }
  const document = JSON.parse(json) as Record<string, unknown>;
  const deadlineSeconds = number(document, 'deadlineSeconds', 0.1, DEADLINE_SECONDS_DEFAULT);
  return {
    runId: text(document, 'runId'),
    segment: number(document, 'segment', 0, 0),
    seed: number(document, 'seed', 0),
    targets: targets(document),
    profile: text(document, 'profile'),
    ratePerSecond: number(document, 'ratePerSecond', Number.MIN_VALUE),
    durationSeconds: number(document, 'durationSeconds', 1),
    objectives: objectives(document),
    deadlineSeconds,
    // Long enough that a leader election (about a second) is waited for by the node that was asked, short enough that a paused
    // node leaves time for two more attempts within the deadline.
    attemptTimeoutSeconds: number(document, 'attemptTimeoutSeconds', 0.05, deadlineSeconds * 0.4),
    faultsPlanned: document.faultsPlanned !== false,
  };
}
