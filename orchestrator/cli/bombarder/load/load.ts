/** What a load command asks for, and what k6 is told of it. */
import type { LoadInput } from '../../../load/environment.ts';

/** `flood`, `burst`, `mixed`, `storm`: each is a k6 script of that name. */
export type LoadName = 'flood' | 'burst' | 'mixed' | 'storm';

export interface LoadRequest {
  readonly name: LoadName;
  /** Base URLs of the nodes. */
  readonly targets: readonly string[];
  readonly count: number;
  readonly concurrency: number;
  readonly burst?: { readonly size: number; readonly pauseSeconds: number };
  /** In [0, 1]. */
  readonly readShare?: number;
  /** The operations are spread over so long; 0 for as fast as they are answered. */
  readonly paceSeconds: number;
  readonly chaos: boolean;
}

/** A retry has to outlive an election, which takes about a second, with a margin for a busy machine. */
const DEADLINE_SECONDS = 5;
const DEADLINE_SECONDS_CHAOS = 10;

export function k6Input(request: LoadRequest, run: { readonly id: string; readonly seed: number }): LoadInput {
  const { targets, count, concurrency, burst, readShare, paceSeconds, chaos } = request;
  return {
    ...{ runId: run.id, segment: 0, seed: run.seed, targets, profile: 'count', ratePerSecond: 0 },
    durationSeconds: paceSeconds,
    closed: { count, concurrency, ...(burst === undefined ? {} : { burst }) },
    ...(readShare === undefined ? {} : { readShare }),
    history: true,
    summaryByOutcome: true,
    deadlineSeconds: chaos ? DEADLINE_SECONDS_CHAOS : DEADLINE_SECONDS,
    faultsPlanned: chaos,
    objectives: {},
  };
}

/** `500 operations, 50 at a time, a third of them reads`. */
export function describeLoad({ name, count, concurrency, burst, readShare, paceSeconds }: LoadRequest): string {
  const what = name === 'flood' ? 'creates at the leader' : burst ? 'creates' : 'operations';
  const parts = [
    burst ? `${count / burst.size} bursts of ${burst.size} ${what}` : `${count} ${what}`,
    `${concurrency} at a time`,
    ...(burst ? [`${burst.pauseSeconds * 1000} ms between bursts`] : []),
    ...(readShare === undefined ? [] : [`${Math.round(readShare * 100)} % reads`]),
    ...(paceSeconds > 0 ? [`spread over ${paceSeconds} s`] : []),
  ];
  return parts.join(', ');
}
