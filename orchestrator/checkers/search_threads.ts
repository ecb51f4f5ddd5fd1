/** Searches many keys on several threads. */
import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Columns } from './history.ts';
import type { RowsByKey } from './order.ts';
import type { SearchResult } from './search.ts';
import type { SearchAnswers, SearchTask } from './search_worker.ts';

/**
 * The answer of each key. A key that is reached after the time has run out is `out of time`.
 * Throws the signal's reason when it is aborted; no thread is left then.
 */
export async function searchOnThreads(
  columns: Columns,
  byKey: RowsByKey,
  keys: readonly number[],
  options: { readonly workers: number; readonly timeLimitMs: number; readonly signal: AbortSignal | undefined },
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
    return new Worker(new URL(`./search_worker${extname(import.meta.url)}`, import.meta.url), { workerData: task });
  });
  try {
    const answers = await Promise.all(
      threads.map(async (thread) => (await once(thread, 'message', { signal: options.signal }))[0] as SearchAnswers),
    );
    return new Map(answers.flat());
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

/** Without the names, which would be copied for every thread. */
function numbersOf(columns: Columns): Columns {
  const { length, kinds, outcomes, keys, values, starts, ends, keyCount, valueCount } = columns;
  return { length, kinds, outcomes, keys, values, starts, ends, keyCount, valueCount };
}
