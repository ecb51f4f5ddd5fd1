import type { Entry, LogIndex, SnapshotMeta } from '../core/raft/types.ts';

/** The replicated state, as far as its order of changes is concerned. */
export interface StateMachine {
  /** Called for every entry in order, whatever its kind. */
  apply(entry: Entry): void;
  /** Replaces the state by that of the newest stored snapshot. */
  restore(snapshot: SnapshotMeta): Promise<void>;
}

export interface ApplierEvents {
  /** The state is that after `index`. */
  applied(index: LogIndex): void;
  failed(error: Error): void;
}

/** The event loop gets a turn after this long, so that heartbeats are answered while a long log is replayed. */
export const TURN_MS_MAX = 8;

type Work = { readonly entries: readonly Entry[]; next: number } | { readonly snapshot: SnapshotMeta };

/** Applies what is committed, in order, in turns of bounded length. */
export class Applier {
  readonly #state: StateMachine;
  readonly #events: ApplierEvents;
  readonly #queue: Work[] = [];
  #appliedIndex: LogIndex;
  #busy = false;
  #stopped = false;

  /** @param index what the state contains already */
  constructor(state: StateMachine, events: ApplierEvents, index: LogIndex) {
    this.#state = state;
    this.#events = events;
    this.#appliedIndex = index;
  }

  get appliedIndex(): LogIndex {
    return this.#appliedIndex;
  }

  commit(entries: readonly Entry[]): void {
    this.#queue.push({ entries, next: 0 });
    this.#work();
  }

  restore(snapshot: SnapshotMeta): void {
    this.#queue.push({ snapshot });
    this.#work();
  }

  stop(): void {
    this.#stopped = true;
  }

  #work(): void {
    if (this.#busy || this.#stopped) return;
    try {
      const until = performance.now() + TURN_MS_MAX;
      for (let work = this.#queue[0]; work !== undefined; work = this.#queue[0]) {
        if ('snapshot' in work) {
          this.#replace(work.snapshot);
          return;
        }
        if (!this.#applyUntil(work, until)) {
          this.#busy = true;
          setImmediate(() => this.#resume());
          return;
        }
        this.#queue.shift();
      }
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** @returns false when time is up before the entries are */
  #applyUntil(work: { readonly entries: readonly Entry[]; next: number }, until: number): boolean {
    while (work.next < work.entries.length) {
      const entry = work.entries[work.next]!;
      this.#appliedIndex = entry.index;
      this.#state.apply(entry);
      work.next += 1;
      if (work.next % 16 === 0 && performance.now() > until) break;
    }
    this.#events.applied(this.#appliedIndex);
    return work.next === work.entries.length;
  }

  #replace(snapshot: SnapshotMeta): void {
    this.#busy = true;
    this.#state.restore(snapshot).then(
      () => {
        this.#queue.shift();
        this.#appliedIndex = snapshot.index;
        this.#events.applied(snapshot.index);
        this.#resume();
      },
      (error: Error) => this.#fail(error),
    );
  }

  #resume(): void {
    this.#busy = false;
    this.#work();
  }

  #fail(error: Error): void {
    this.#stopped = true;
    this.#events.failed(error);
  }
}
