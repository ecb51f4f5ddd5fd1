import { Worker } from 'node:worker_threads';
import type { Failure } from './types.ts';

/** A seed whose run failed. */
export interface Found {
  readonly seed: number;
  readonly failure: Failure;
  readonly traceHash: string;
}

/** What one or many runs came to. */
export interface Tally {
  readonly seeds: number;
  readonly messages: number;
  readonly events: number;
  /** Virtual time of all runs together. */
  readonly simulatedUs: number;
  /** How often what was reached, over all runs. */
  readonly stats: Readonly<Record<string, number>>;
  /** Ascending by seed. */
  readonly failures: readonly Found[];
}

export const EMPTY_TALLY: Tally = { seeds: 0, messages: 0, events: 0, simulatedUs: 0, stats: {}, failures: [] };

/** Consecutive seeds for one worker. */
export interface Batch {
  readonly from: number;
  readonly count: number;
}

/** What a worker is told when it is made. */
export interface Assignment {
  readonly system: string;
  /** Name of a planted bug, or null. */
  readonly bug: string | null;
  /** Whether a batch goes on after a failure. */
  readonly keepGoing: boolean;
}

export interface FleetOptions extends Assignment {
  /** First seed. */
  readonly from: number;
  /** How many seeds; Infinity: until cancelled. */
  readonly count: number;
  /** Worker threads, ≥ 1. */
  readonly workers: number;
  /** Ends the fleet early: what has been done so far is returned. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (tally: Tally) => void;
}

/** Seeds that a worker runs without being asked: so many that messages between threads cost nothing, so few that it ends promptly. */
const BATCH_SEEDS = 4;

/**
 * Runs many seeds, spread over worker threads. Without `keepGoing` it stops at the first failure: batches go out in ascending order and
 * those under way are finished, so that the failure reported is that of the lowest seed, however many workers there are.
 */
export async function runFleet(options: FleetOptions): Promise<Tally> {
  const { system, bug, keepGoing, signal } = options;
  let tally = EMPTY_TALLY;
  let next = options.from;
  const end = options.from + options.count;
  const isOver = () => next >= end || signal?.aborted === true || (!keepGoing && tally.failures.length > 0);
  const takeBatch = (): Batch | null => {
    if (isOver()) return null;
    const batch = { from: next, count: Math.min(BATCH_SEEDS, end - next) };
    next += batch.count;
    return batch;
  };
  const report = (batch: Tally) => {
    tally = addTallies(tally, batch);
    options.onProgress?.(tally);
  };
  const workersMax = Math.max(1, Math.min(options.workers, Math.ceil(options.count / BATCH_SEEDS)));
  const assignment: Assignment = { system, bug, keepGoing };
  const all = Array.from({ length: workersMax }, () => work(assignment, takeBatch, report, signal));
  await Promise.all(all);
  return keepGoing ? tally : { ...tally, failures: tally.failures.slice(0, 1) };
}

/** One worker thread: asks for batches until there are no more, or until the signal comes. */
async function work(
  assignment: Assignment,
  takeBatch: () => Batch | null,
  report: (tally: Tally) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const worker = new Worker(new URL('./seed-worker.ts', import.meta.url), { workerData: assignment });
  try {
    await new Promise<void>((resolve, reject) => {
      const ask = () => {
        const batch = takeBatch();
        if (batch === null) resolve();
        else worker.postMessage(batch);
      };
      worker.on('message', (tally: Tally) => {
        report(tally);
        ask();
      });
      worker.on('error', reject);
      signal?.addEventListener('abort', () => resolve(), { once: true });
      ask();
    });
  } finally {
    await worker.terminate();
  }
}

export function addTallies(a: Tally, b: Tally): Tally {
  const stats: Record<string, number> = { ...a.stats };
  for (const [name, count] of Object.entries(b.stats)) stats[name] = (stats[name] ?? 0) + count;
  return {
    seeds: a.seeds + b.seeds,
    messages: a.messages + b.messages,
    events: a.events + b.events,
    simulatedUs: a.simulatedUs + b.simulatedUs,
    stats,
    failures: [...a.failures, ...b.failures].sort((x, y) => x.seed - y.seed),
  };
}
