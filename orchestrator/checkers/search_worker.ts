/** A thread that searches keys: it takes the next one from a counter that all threads share. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Columns } from './history.ts';
import type { RowsByKey } from './order.ts';
import { Search, type SearchResult } from './search.ts';

export interface SearchTask {
  /** Columns on shared memory. */
  readonly columns: Columns;
  readonly byKey: RowsByKey;
  /** Keys to search, the largest first. */
  readonly keys: Int32Array;
  /** One number on shared memory: how many of `keys` were taken. */
  readonly taken: Int32Array;
  readonly timeLimitMs: number;
}

/** What a thread says when no key is left. */
export type SearchAnswers = readonly (readonly [key: number, result: SearchResult])[];

function work({ columns, byKey, keys, taken, timeLimitMs }: SearchTask): SearchAnswers {
  const search = new Search(columns);
  const limits = { deadline: performance.now() + timeLimitMs, stepsMax: Number.POSITIVE_INFINITY };
  const answers: [number, SearchResult][] = [];
  for (;;) {
    const key = keys[Atomics.add(taken, 0, 1)];
    if (key === undefined) return answers;
    const rows = byKey.rows.subarray(byKey.offsets[key]!, byKey.offsets[key + 1]!);
    answers.push([key, search.run(rows, 'absent', limits)]);
  }
}

parentPort?.postMessage(work(workerData as SearchTask));
