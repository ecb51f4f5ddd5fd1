/**
 * Load profiles, all in one place. Each but one is an open model: operations start when they are due, whether or not earlier ones
 * have been answered, so a slow system cannot slow its own measurement down (no coordinated omission). The profile `count` is a
 * closed model, for "so many operations, so many at a time": there the share of successes is what is asked, not the latency.
 */
import type { ClosedLoad, LoadInput } from './lib/environment.ts';
import { COUNT } from './lib/environment.ts';

/** Holds `rateTo` operations a second at the end of `seconds`; the rate changes linearly from the one before. */
interface Stage {
  readonly seconds: number;
  readonly rateTo: number;
}

interface Shape {
  readonly rateFrom: number;
  readonly stages: readonly Stage[];
}

/** A k6 scenario with the executor `ramping-arrival-rate`. */
export interface OpenModelScenario {
  readonly executor: 'ramping-arrival-rate';
  readonly startRate: number;
  readonly timeUnit: '60s';
  readonly stages: { target: number; duration: string }[];
  readonly preAllocatedVUs: number;
  readonly maxVUs: number;
  readonly gracefulStop: string;
}

/** A k6 scenario with the executor `shared-iterations`. */
export interface ClosedModelScenario {
  readonly executor: 'shared-iterations';
  readonly vus: number;
  readonly iterations: number;
  readonly maxDuration: string;
  readonly gracefulStop: string;
}

/**
 * Operations of one iteration, at most: a script looks at some of its writes and sends some again. An iteration that k6 cut off would be
 * missing in the history, so it is given the time that all of them may take.
 */
const OPERATIONS_PER_ITERATION_MAX = 3;

/**
 * An operation that fails holds its user until its deadline and a little longer: the last attempt begins before it. With users for the deadline
 * alone k6 would drop operations in every outage, and the alert would blame the load.
 */
const OVERRUN_SECONDS = 0.5;

type Profile = (rate: number, seconds: number) => Shape;

const constant = (rate: number, seconds: number): Shape => ({ rateFrom: rate, stages: [{ seconds, rateTo: rate }] });

/** `rate` is what the system has to sustain; a profile says which multiple of it is offered when. */
export const PROFILES: Readonly<Record<string, Profile>> = {
  /** A tenth of the rate: does it work at all? */
  smoke: (rate, seconds) => constant(rate / 10, seconds),
  /** The rate from the first second to the last: for faults and for comparisons, where a ramp would be in the way. */
  steady: (rate, seconds) => constant(rate, seconds),
  /** A working day: up, hold, down. */
  load: (rate, seconds) => ({
    rateFrom: rate / 10,
    stages: [
      { seconds: seconds * 0.1, rateTo: rate },
      { seconds: seconds * 0.8, rateTo: rate },
      { seconds: seconds * 0.1, rateTo: rate / 10 },
    ],
  }),
  /** Steps to twice the rate, and back to see whether it recovers. */
  stress: (rate, seconds) => ({
    rateFrom: rate / 2,
    stages: [1, 1.5, 2, 1].flatMap((multiple) => [
      { seconds: seconds * 0.05, rateTo: rate * multiple },
      { seconds: seconds * 0.2, rateTo: rate * multiple },
    ]),
  }),
  /** Holds the rate for hours after a slow start; longer than an hour is a chain of segments (see README.md). */
  soak: (rate, seconds) => ({
    rateFrom: rate / 10,
    stages: [
      { seconds: seconds * 0.01, rateTo: rate },
      { seconds: seconds * 0.99, rateTo: rate },
    ],
  }),
  /** Five times the rate within a second, for a tenth of the time. */
  spike: (rate, seconds) => ({
    rateFrom: rate,
    stages: [
      { seconds: seconds * 0.4, rateTo: rate },
      { seconds: Math.min(1, seconds * 0.05), rateTo: rate * 5 },
      { seconds: seconds * 0.1, rateTo: rate * 5 },
      { seconds: Math.min(1, seconds * 0.05), rateTo: rate },
      { seconds: seconds * 0.4, rateTo: rate },
    ],
  }),
  /** From nothing to ten times the rate: where does it break? The objectives are expected to be missed somewhere. */
  breakpoint: (rate, seconds) => ({ rateFrom: rate / 10, stages: [{ seconds, rateTo: rate * 10 }] }),
};

function shape(input: LoadInput): Shape {
  const profile = PROFILES[input.profile];
  if (profile === undefined) {
    const names = [...Object.keys(PROFILES), COUNT].join(', ');
    throw new Error(`unknown load profile "${input.profile}": expected one of ${names}`);
  }
  return profile(input.ratePerSecond, input.durationSeconds);
}

/** How many operations the profile starts in all: its count, or the area under its rate. */
export function plannedOperations(input: LoadInput): number {
  if (input.closed !== undefined) return input.closed.count;
  const { rateFrom, stages } = shape(input);
  let from = rateFrom;
  let operations = 0;
  for (const stage of stages) {
    operations += ((from + stage.rateTo) / 2) * stage.seconds;
    from = stage.rateTo;
  }
  return Math.round(operations);
}

/** The k6 scenario of the input's profile. */
export function loadScenario(input: LoadInput): OpenModelScenario | ClosedModelScenario {
  return input.closed === undefined ? openModel(input) : closedModel(input, input.closed);
}

function gracefulStop({ deadlineSeconds }: LoadInput): string {
  return `${deadlineSeconds * OPERATIONS_PER_ITERATION_MAX + 1}s`;
}

/** Ends with the last operation; the longest it may last is with every one of them at its deadline. */
export function closedModel(input: LoadInput, { count, concurrency, burst }: ClosedLoad): ClosedModelScenario {
  const rounds = Math.ceil(count / concurrency);
  const pauses = burst === undefined ? 0 : Math.ceil(count / burst.size) * burst.pauseSeconds;
  const working = rounds * input.deadlineSeconds * OPERATIONS_PER_ITERATION_MAX;
  return {
    executor: 'shared-iterations',
    // k6 refuses more users than iterations.
    vus: Math.min(concurrency, count),
    iterations: count,
    maxDuration: `${Math.ceil(input.durationSeconds + pauses + working)}s`,
    gracefulStop: gracefulStop(input),
  };
}

/**
 * The open model of the input's profile.
 *
 * Virtual users by Little's law, L = λ·W: no operation outlives its deadline, so peak rate × deadline is as many as can ever be
 * busy, and k6 never drops an iteration for the want of one. Two seconds' worth are made before the start, since k6 cannot make
 * them fast enough while a leader election (about a second) holds every operation up.
 */
export function openModel(input: LoadInput): OpenModelScenario {
  const { rateFrom, stages } = shape(input);
  const ratePeak = Math.max(rateFrom, ...stages.map((stage) => stage.rateTo));
  // k6 takes whole numbers only; a minute as the unit keeps rates below one a second exact.
  const perMinute = (rate: number) => Math.max(1, Math.round(rate * 60));
  return {
    executor: 'ramping-arrival-rate',
    startRate: perMinute(rateFrom),
    timeUnit: '60s',
    stages: stages.map(({ seconds, rateTo }) => ({
      target: perMinute(rateTo),
      duration: `${Math.max(1, Math.round(seconds * 1000))}ms`,
    })),
    preAllocatedVUs: Math.ceil(ratePeak * Math.min(2, input.deadlineSeconds)),
    maxVUs: Math.ceil(ratePeak * (input.deadlineSeconds + OVERRUN_SECONDS)),
    gracefulStop: gracefulStop(input),
  };
}
