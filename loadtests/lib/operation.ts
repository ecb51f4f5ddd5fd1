/**
 * One client operation: attempts at several nodes until one succeeds, the request is refused for good, or the deadline passes.
 * Pure: time, sleeping, randomness and the request itself are given, so that it is tested without k6.
 */

/** What came back from one attempt; `status` 0 means no response, and `errorCode` is k6's reason. */
export interface Reply {
  readonly status: number;
  readonly errorCode: number;
  /** How long the attempt took, in fractions of a millisecond: k6's clock for scripts has whole ones only. */
  readonly seconds: number;
  /** The node says that the request has not been and will not be executed. */
  readonly definite?: boolean;
}

/**
 * - `ok`: 2xx.
 * - `refused`: no connection; the request was never sent.
 * - `timeout`: no answer in time; whether it was executed is unknown.
 * - `broken`: the connection ended before the answer; unknown too.
 * - `unavailable`: the node says that it cannot serve now (5xx, 408, 421, 425, 429).
 * - `rejected`: any other answer; asking again would not help.
 */
export type AttemptOutcome = 'ok' | 'refused' | 'timeout' | 'broken' | 'unavailable' | 'rejected';

/** All of them, so that a counter can be initialised. */
export const ATTEMPT_OUTCOMES: readonly AttemptOutcome[] = [
  'ok',
  'refused',
  'timeout',
  'broken',
  'unavailable',
  'rejected',
];

/** k6's error codes: https://grafana.com/docs/k6/latest/javascript-api/error-codes/ */
const K6_REQUEST_TIMEOUT = 1050;
const K6_DIAL_FIRST = 1210;
const K6_DIAL_LAST = 1219;

export function attemptOutcome(reply: Reply): AttemptOutcome {
  const { status, errorCode } = reply;
  if (status === 0) {
    if (errorCode === K6_REQUEST_TIMEOUT) return 'timeout';
    return errorCode >= K6_DIAL_FIRST && errorCode <= K6_DIAL_LAST ? 'refused' : 'broken';
  }
  if (status >= 200 && status < 300) return 'ok';
  return status >= 500 || [408, 421, 425, 429].includes(status) ? 'unavailable' : 'rejected';
}

export interface Attempt {
  /** Index of the node to ask. */
  readonly node: number;
  readonly timeoutSeconds: number;
}

export interface OperationResult<R extends Reply> {
  /** Whether an attempt succeeded within the deadline. */
  readonly ok: boolean;
  /** The last attempt's. */
  readonly reply: R;
  readonly node: number;
  readonly seconds: number;
  readonly attempts: number;
  /** An attempt that got no success may have been, or may yet be, executed. */
  readonly uncertain: boolean;
}

export interface OperationOptions {
  readonly nodes: number;
  readonly deadlineSeconds: number;
  readonly attemptTimeoutSeconds: number;
  /** Seconds since any fixed moment. */
  readonly now: () => number;
  readonly sleep: (seconds: number) => void;
  readonly random: { float(): number; below(limit: number): number };
  /** Told of every attempt, for the metrics. */
  readonly onAttempt: (node: number, outcome: AttemptOutcome) => void;
}

/** First wait between two attempts; doubles up to the maximum, each with jitter over its upper half. */
const BACKOFF_SECONDS_MIN = 0.025;
const BACKOFF_SECONDS_MAX = 0.4;
/** With less than this left an attempt cannot succeed, and would only be counted as a time-out of the node. */
const ATTEMPT_SECONDS_MIN = 0.02;

/** Wait before attempt `attempt` + 1: exponential with jitter, so that clients that failed together do not return together. */
export function backoffSeconds(attempt: number, random: { float(): number }): number {
  const base = Math.min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_MIN * 2 ** (attempt - 1));
  return base * (0.5 + random.float() / 2);
}

export class Operations {
  readonly #options: OperationOptions;
  /** Until when a node that gave no answer is asked last, by index. */
  readonly #suspectUntil: number[];

  constructor(options: OperationOptions) {
    this.#options = options;
    this.#suspectUntil = Array.from({ length: options.nodes }, () => 0);
  }

  /**
   * Runs one operation. All its attempts have to carry the same idempotency key, so that asking again is safe.
   * @param send makes one attempt and returns its answer
   * @param preferred index of the node to ask first; any when absent
   */
  run<R extends Reply>(send: (attempt: Attempt) => R, preferred?: number): OperationResult<R> {
    const { deadlineSeconds, attemptTimeoutSeconds, now, sleep, random, nodes, onAttempt } = this.#options;
    const start = now();
    let node = this.#healthy(preferred ?? random.below(nodes));
    let uncertain = false;
    for (let attempts = 1; ; attempts += 1) {
      const timeoutSeconds = Math.min(attemptTimeoutSeconds, deadlineSeconds - (now() - start));
      const reply = send({ node, timeoutSeconds });
      const outcome = attemptOutcome(reply);
      onAttempt(node, outcome);
      this.#suspectUntil[node] = ['refused', 'timeout', 'broken'].includes(outcome) ? now() + 1 : 0;

      const seconds = now() - start;
      const ok = outcome === 'ok' && seconds <= deadlineSeconds;
      const wait = backoffSeconds(attempts, random);
      const final =
        outcome === 'ok' || outcome === 'rejected' || seconds + wait + ATTEMPT_SECONDS_MIN > deadlineSeconds;
      if (!ok) uncertain ||= outcome !== 'refused' && outcome !== 'rejected' && reply.definite !== true;
      if (final) return { ok, reply, node, seconds: attempts === 1 ? reply.seconds : seconds, attempts, uncertain };
      sleep(wait);
      node = this.#healthy((node + 1) % nodes);
    }
  }

  /** The first node from `node` on that has not just failed to answer; `node` itself when all have. */
  #healthy(node: number): number {
    const { nodes, now } = this.#options;
    const time = now();
    for (let offset = 0; offset < nodes; offset += 1) {
      const candidate = (node + offset) % nodes;
      if ((this.#suspectUntil[candidate] ?? 0) <= time) return candidate;
    }
    return node;
  }
}
