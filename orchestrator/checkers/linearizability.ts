/** Whether every register behaved like one copy that does one operation at a time. */
import { availableParallelism } from 'node:os';
import type { History } from './history.ts';
import { groupByKey, type RowsByKey } from './order.ts';
import { Search, type SearchResult } from './search.ts';
import { searchOnThreads } from './search_threads.ts';
import type { LinearizabilityResult, Violation } from './types.ts';
import { WindowFinder } from './window.ts';
import { UNDECIDED, VIOLATED, Zones } from './zones.ts';

export interface LinearizabilityOptions {
  /** Threads for keys that need a search. Default: one for each processor. */
  readonly workers?: number;
  readonly signal?: AbortSignal;
  /** For all keys together. Default: a minute. */
  readonly timeLimitMs?: number;
}

const TIME_LIMIT_MS = 60_000;
/** Violations that are described; the others are counted. */
const DESCRIBED_MAX = 10;
const DESCRIPTION_LIMIT_MS = 3_000;
/** A search of few operations is done before a thread would have started. */
const OPERATIONS_WITHOUT_THREADS = 5_000;
const STEPS_WITHOUT_THREADS = 20_000;

/**
 * Linearizability, key by key: a history is linearizable exactly if that of each object is (Herlihy and Wing, 1990, theorem 1).
 * Keys whose writes are told apart by their values take log-linear time on this thread (`zones.ts`), the others a search
 * (`search.ts`), which large ones do on threads. The answer is `unknown` when time or memory ran out, the clock stepped, or what
 * looks wrong may be explained by lines that were cut off; it is never a guess.
 */
export async function checkLinearizability(
  history: History,
  options: LinearizabilityOptions = {},
): Promise<LinearizabilityResult> {
  const { workers = availableParallelism(), signal, timeLimitMs = TIME_LIMIT_MS } = options;
  const check = new Check(history, timeLimitMs);
  if (check.isVoid) return check.conclude();
  const open = check.decideSmall();
  if (open.length > 0) {
    const left = Math.max(0, timeLimitMs - check.elapsedMs);
    check.take(await searchOnThreads(history, check.byKey, open, { workers, signal, timeLimitMs: left }));
  }
  return check.conclude();
}

/** The same on this thread only, at once: for histories of a few thousand operations. */
export function checkLinearizabilityAtOnce(history: History, timeLimitMs = TIME_LIMIT_MS): LinearizabilityResult {
  const check = new Check(history, timeLimitMs);
  if (!check.isVoid) check.decideAll();
  return check.conclude();
}

class Check {
  readonly #history: History;
  readonly #begin = performance.now();
  readonly #deadline: number;
  readonly #zones: Zones | undefined;
  readonly #undecided: number[] = [];
  readonly #violated: number[] = [];
  readonly #unfinished: (readonly [key: number, why: string])[] = [];
  #byKey: RowsByKey | undefined;
  #search: Search | undefined;

  constructor(history: History, timeLimitMs: number) {
    this.#history = history;
    this.#deadline = this.#begin + timeLimitMs;
    if (this.isVoid) return;
    this.#zones = new Zones(history);
    for (const [key, verdict] of this.#zones.verdicts.entries()) {
      if (verdict === VIOLATED) this.#violated.push(key);
      if (verdict === UNDECIDED) this.#undecided.push(key);
    }
  }

  get isVoid(): boolean {
    return this.#history.clockSteps.length > 0;
  }

  get elapsedMs(): number {
    return performance.now() - this.#begin;
  }

  get byKey(): RowsByKey {
    this.#byKey ??= groupByKey(this.#history.keys, this.#history.keyCount);
    return this.#byKey;
  }

  get #searcher(): Search {
    this.#search ??= new Search(this.#history);
    return this.#search;
  }

  /** Searches here if there is little to do; returns the keys that remain. */
  decideSmall(): number[] {
    const operations = this.#undecided.reduce((sum, key) => sum + this.#rows(key).length, 0);
    if (operations > OPERATIONS_WITHOUT_THREADS) return this.#undecided;
    const limits = { deadline: this.#deadline, stepsMax: STEPS_WITHOUT_THREADS };
    return this.#undecided.filter((key) => {
      const result = this.#searcher.run(this.#rows(key), 'absent', limits);
      if (typeof result === 'string') return true;
      this.take([[key, result]]);
      return false;
    });
  }

  decideAll(): void {
    const limits = { deadline: this.#deadline, stepsMax: Number.POSITIVE_INFINITY };
    for (const key of this.#undecided) this.take([[key, this.#searcher.run(this.#rows(key), 'absent', limits)]]);
  }

  take(results: Iterable<readonly [key: number, result: SearchResult]>): void {
    for (const [key, result] of results) {
      if (result === false) this.#violated.push(key);
      else if (result !== true) this.#unfinished.push([key, result]);
    }
  }

  conclude(): LinearizabilityResult {
    const seconds = this.elapsedMs / 1000;
    const reason = this.#reason();
    this.#violated.sort((a, b) => a - b);
    return {
      linearizable: reason !== null ? 'unknown' : this.#violated.length === 0,
      reason,
      operations: this.#history.length,
      keys: this.#history.keyCount,
      seconds,
      violatingKeys: this.#violated.length,
      violations: this.#describe(),
    };
  }

  #describe(): Violation[] {
    if (this.#violated.length === 0) return [];
    const finder = new WindowFinder(this.#history, this.#searcher, performance.now() + DESCRIPTION_LIMIT_MS);
    return this.#violated.slice(0, DESCRIBED_MAX).map((key) => {
      const rows = this.#rows(key);
      const conflict = this.#zones?.verdicts[key] === VIOLATED ? this.#zones.conflict(key, rows).rows : [];
      return finder.find(key, rows, conflict);
    });
  }

  /** Why nothing can be concluded. A violation is one, whatever could not be finished beside it. */
  #reason(): string | null {
    const { clockSteps, truncatedLines, keyNames } = this.#history;
    const [step] = clockSteps;
    if (step !== undefined)
      return `the clock stepped while operations were timed with it (${step.file}:${step.line}: ${step.detail}): repeat the run on a machine whose clock is left alone`;
    if (this.#violated.length > 0)
      return truncatedLines === 0
        ? null
        : `${this.#violated.length} keys look wrong, but the history was cut off (its writer was killed), and what is missing may explain them: repeat the run`;
    const [first] = this.#unfinished;
    if (first === undefined) return null;
    const [key, why] = first;
    return `${this.#unfinished.length} of ${keyNames.length} keys not decided, e.g. ${keyNames[key]}: the search ran ${why}`;
  }

  #rows(key: number): Int32Array {
    const { offsets, rows } = this.byKey;
    return rows.subarray(offsets[key]!, offsets[key + 1]!);
  }
}
