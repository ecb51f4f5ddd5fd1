import type { Entry, LogIndex, Term } from '../../services/kv/core/raft/types.ts';

/** The terms of a log by index, behind a base; kept beside a node to check it, at constant cost an entry. */
export class TermTable {
  /** 0 where nothing is known. */
  #terms = new Int32Array(256);
  /** What a snapshot at this index stands for is held. */
  base: LogIndex = 0;
  last: LogIndex = 0;

  /** Term of the entry at `index`; 0 when there is none, or its term is no longer known. */
  at(index: LogIndex): Term {
    return index <= this.last ? this.#terms[index]! : 0;
  }

  /** Whether the log says that `index` has `term`, or has it behind a snapshot. */
  holds(index: LogIndex, term: Term): boolean {
    return index <= this.base || this.at(index) === term;
  }

  /** A first index at or below the last one replaces everything from there on. */
  write(entries: readonly Entry[]): void {
    const last = entries.at(-1)!.index;
    if (last >= this.#terms.length) this.#grow(last);
    for (const { index, term } of entries) this.#terms[index] = term;
    this.last = last;
  }

  /** A snapshot up to there is held. */
  snapshotAt(index: LogIndex, term: Term): void {
    this.base = index;
    if (index <= this.last) return;
    if (index >= this.#terms.length) this.#grow(index);
    this.#terms[index] = term;
    this.last = index;
  }

  /** Nothing but a snapshot is held. */
  reset(index: LogIndex, term: Term): void {
    if (index >= this.#terms.length) this.#grow(index);
    this.base = index;
    this.last = index;
    this.#terms[index] = term;
  }

  clear(): void {
    this.base = 0;
    this.last = 0;
  }

  #grow(index: LogIndex): void {
    const terms = new Int32Array(2 * index);
    terms.set(this.#terms);
    this.#terms = terms;
  }
}
