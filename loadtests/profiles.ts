/**
 * Load profiles, all in one place. Each is an open model: operations start when they are due, whether or not earlier ones have
 * been answered, so a slow system cannot slow its own measurement down (no coordinated omission).
 */
import type { LoadInput } from './lib/environment.ts';

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
    throw new Error(`unknown load profile "${input.profile}": expected one of ${Object.keys(PROFILES).join(', ')}`);
  }
  return profile(input.ratePerSecond, input.durationSeconds);
}

/** How many operations the profile starts in all: the area under its rate. */
export function plannedOperations(input: LoadInput): number {
  const { rateFrom, stages } = shape(input);
  let from = rateFrom;
  let operations = 0;
  for (const stage of stages) {
    operations += ((from + stage.rateTo) / 2) * stage.seconds;
    from = stage.rateTo;
  }
  return Math.round(operations);
}

/**
 * The k6 scenario of the input's profile.
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
    maxVUs: Math.ceil(ratePeak * input.deadlineSeconds),
    gracefulStop: `${input.deadlineSeconds}s`,
  };
}
