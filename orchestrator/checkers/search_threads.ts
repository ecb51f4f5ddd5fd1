/** Searches many keys on several threads. */
import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Columns } from './history.ts';
import type { RowsByKey } from './order.ts';
import type { SearchResult } from './search.ts';
import type { SearchAnswers, SearchTask } from './search_worker.ts';

const WORKER = new URL(`./search_worker${extname(import.meta.url)}`, import.meta.url);

/**
 * The answer of each key. A key that is reached after the time has run out is `out of time`.
 * Throws the signal's reason when it is aborted; no thread is left then.
 */
export async function searchOnThreads(
  columns: Columns,
  byKey: RowsByKey,
  keys: readonly number[],
  options: {
    readonly workers: number;
    readonly timeLimitMs: number;
    readonly signal: AbortSignal | undefined;
    /** What a thread runs. */
    readonly worker?: URL;
  },
): Promise<Map<number, SearchResult>> {
  const size = (key: number) => byKey.offsets[key + 1]! - byKey.offsets[key]!;
  // A large key that is begun last would keep one thread busy while the others are done.
  const sorted = Int32Array.from(keys).sort((a, b) => size(b) - size(a));
  const task: SearchTask = {
    columns: numbersOf(columns),
    byKey,
    keys: sorted,
    taken: new Int32Array(new SharedArrayBuffer(4)),
    timeLimitMs: options.timeLimitMs,
  };
  const threads = Array.from({ length: Math.min(options.workers, keys.length) }, () => {
    return new Worker(options.worker ?? WORKER, { workerData: task });
  });
  try {
    const answers = await Promise.all(threads.map((thread) => answersOf(thread, options.signal)));
    return new Map(answers.flat());
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

/** Rejects when the thread fails, or ends without a word: nobody would wait for that to end. */
async function answersOf(thread: Worker, signal: AbortSignal | undefined): Promise<SearchAnswers> {
  const said = once(thread, 'message', { signal }).then(([answers]) => answers as SearchAnswers);
  const ended = once(thread, 'exit', { signal }).then(([code]) => {
    throw new Error(`a thread of the search ended with code ${code} and without an answer`);
  });
  return Promise.race([said, ended]);
}

/** Without the names, which would be copied for every thread. */
function numbersOf(columns: Columns): Columns {
  const { length, kinds, outcomes, keys, values, starts, ends, keyCount, valueCount } = columns;
  return { length, kinds, outcomes, keys, values, starts, ends, keyCount, valueCount };
}
