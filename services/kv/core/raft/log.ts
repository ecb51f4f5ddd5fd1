import { assert } from '../../../../kit/assert.ts';
import type { Entry, LogIndex, Term } from './types.ts';

/** A maximal stretch of entries with one term; ends where the next run begins. */
interface Run {
  readonly term: Term;
  readonly first: LogIndex;
}

/** Slots of compacted entries are given back in one go once they are at least this many and half of the array. */
const FREE_SLOTS_MIN = 1024;

/**
 * The log in memory: the entries after `baseIndex`, of which only the term is known (0 at the start, else the last one compacted).
 *
 * Every operation costs as much as the entries it adds, removes or returns, never as much as the log: a prefix is dropped by moving
 * `#head`, and terms are kept as runs, so that a search by term (§5.3 of the Raft paper, last paragraph) walks over terms.
 */
export class Log {
  #entries: (Entry | undefined)[] = [];
  /** Position in `#entries` of the entry `baseIndex + 1`. */
  #head = 0;
  #baseIndex: LogIndex;
  /** Ascending, never empty; the first run covers the base. */
  #runs: Run[];
  /** Lowest index that changed since the last `takeFresh`. */
  #freshFrom: LogIndex;

  constructor(baseIndex: LogIndex, baseTerm: Term) {
    this.#baseIndex = baseIndex;
    this.#runs = [{ term: baseTerm, first: baseIndex }];
    this.#freshFrom = baseIndex + 1;
  }

  get baseIndex(): LogIndex {
    return this.#baseIndex;
  }

  get firstIndex(): LogIndex {
    return this.#baseIndex + 1;
  }

  get lastIndex(): LogIndex {
    return this.#baseIndex + this.#entries.length - this.#head;
  }

  get lastTerm(): Term {
    return this.#runs[this.#runs.length - 1]!.term;
  }

  /** Term of the entry at `index`, or null when the log does not reach there (compacted, or not yet written). */
  termAt(index: LogIndex): Term | null {
    if (index < this.#baseIndex || index > this.lastIndex) return null;
    if (index === this.#baseIndex) return this.#runs[0]!.term;
    return this.entry(index).term;
  }

  entry(index: LogIndex): Entry {
    const entry = this.#entries[this.#head + index - this.#baseIndex - 1];
    assert(entry !== undefined && entry.index === index, `entry ${index} is not in the log`);
    return entry;
  }

  /** Entries from `from` up to and including `to`. */
  slice(from: LogIndex, to: LogIndex): Entry[] {
    assert(
      from > this.#baseIndex && to <= this.lastIndex,
      `slice ${from}…${to} of ${this.firstIndex}…${this.lastIndex}`,
    );
    const start = this.#head + from - this.#baseIndex - 1;
    return this.#entries.slice(start, start + to - from + 1) as Entry[];
  }

  /** Entries from `from` on, at most `bytesMax` bytes of data but at least one. */
  batch(from: LogIndex, bytesMax: number): Entry[] {
    let to = from;
    let bytes = this.entry(from).data.length;
    while (to < this.lastIndex) {
      bytes += this.entry(to + 1).data.length;
      if (bytes > bytesMax) break;
      to += 1;
    }
    return this.slice(from, to);
  }

  append(entry: Entry): void {
    assert(entry.index === this.lastIndex + 1, `append of entry ${entry.index} after ${this.lastIndex}`);
    const lastTerm = this.lastTerm;
    assert(entry.term >= lastTerm, `term ${entry.term} of entry ${entry.index} after term ${lastTerm}`);
    if (entry.term > lastTerm) this.#runs.push({ term: entry.term, first: entry.index });
    this.#entries.push(entry);
    if (entry.index < this.#freshFrom) this.#freshFrom = entry.index;
  }

  /** Drops the entries from `index` on: they contradict the leader's. The caller guards what is committed. */
  truncateFrom(index: LogIndex): void {
    assert(
      index > this.#baseIndex && index <= this.lastIndex,
      `truncate at ${index}, log ${this.firstIndex}…${this.lastIndex}`,
    );
    this.#entries.length = this.#head + index - this.#baseIndex - 1;
    while (this.#runs.length > 1 && this.#runs[this.#runs.length - 1]!.first >= index) this.#runs.pop();
    if (index < this.#freshFrom) this.#freshFrom = index;
  }

  /** Forgets the entries up to and including `index`. */
  compactTo(index: LogIndex): void {
    assert(index <= this.lastIndex, `compact to ${index} beyond the last entry ${this.lastIndex}`);
    if (index <= this.#baseIndex) return;
    const dropped = index - this.#baseIndex;
    this.#entries.fill(undefined, this.#head, this.#head + dropped);
    this.#head += dropped;
    this.#baseIndex = index;
    while (this.#runs.length > 1 && this.#runs[1]!.first <= index) this.#runs.shift();
    if (this.#head >= FREE_SLOTS_MIN && this.#head * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Starts over behind an installed snapshot. */
  reset(baseIndex: LogIndex, baseTerm: Term): void {
    this.#entries = [];
    this.#head = 0;
    this.#baseIndex = baseIndex;
    this.#runs = [{ term: baseTerm, first: baseIndex }];
    this.#freshFrom = baseIndex + 1;
  }

  /**
   * The highest index ≤ `index` whose term is ≤ `term`: no index above it can agree with a log that has `term` at `index`.
   * `{ index: baseIndex - 1, term: 0 }` when even the base's term is greater.
   */
  lastIndexWithTermAtMost(index: LogIndex, term: Term): { readonly index: LogIndex; readonly term: Term } {
    let end = this.lastIndex;
    for (let i = this.#runs.length - 1; i >= 0; i--) {
      const run = this.#runs[i]!;
      const last = Math.min(index, end);
      if (run.term <= term && Math.max(run.first, this.#baseIndex) <= last) return { index: last, term: run.term };
      end = run.first - 1;
    }
    return { index: Math.min(index, this.#baseIndex - 1), term: 0 };
  }

  /** The entries that were written since the last call; what the disk has above them is to be replaced. */
  takeFresh(): Entry[] | null {
    const last = this.lastIndex;
    if (this.#freshFrom > last) return null;
    const fresh = this.slice(this.#freshFrom, last);
    this.#freshFrom = last + 1;
    return fresh;
  }

  /** What is in memory now came from the disk. */
  markDurable(): void {
    this.#freshFrom = this.lastIndex + 1;
  }
}
