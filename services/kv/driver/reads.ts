import { type ErrorCode, ServiceError } from '../../../kit/errors.ts';
import type { LogIndex } from '../core/raft/types.ts';
import { Deadlines } from './deadlines.ts';

export interface ReadAsker {
  read(id: string): void;
  leaderKnown(): boolean;
  appliedIndex(): LogIndex;
}

interface Read {
  readonly deadlineMs: number;
  readonly startedMs: number;
  readonly resolve: () => void;
  readonly reject: (error: ServiceError) => void;
}

interface Round {
  readonly id: string;
  readonly askedMs: number;
  readonly reads: Set<Read>;
  /** Once it is confirmed: what must be applied before the reads are answered. */
  index: LogIndex | null;
}

/** A round that nobody has answered for so long was lost on the way; reads can be asked for again without harm. */
const REPEAT_AFTER_MS = 500;

/** Linearizable reads (ReadIndex). All reads of one turn of the event loop share one round. */
export class Reads {
  readonly #asker: ReadAsker;
  readonly #confirmed: (seconds: number) => void;
  readonly #prefix: string;
  readonly #now: () => number;
  readonly #rounds = new Map<string, Round>();
  readonly #deadlines: Deadlines<Read>;
  /** Reads that wait for a leader to be asked. */
  #waiting = new Set<Read>();
  /** The round that this turn's reads join; Raft has not seen it yet. */
  #joinable: Round | null = null;
  #sequence = 0;

  constructor(asker: ReadAsker, confirmed: (seconds: number) => void, prefix: string, now: () => number) {
    this.#asker = asker;
    this.#confirmed = confirmed;
    this.#prefix = prefix;
    this.#now = now;
    this.#deadlines = new Deadlines(now());
  }

  /** Whether nobody waits for an answer. */
  get isIdle(): boolean {
    return this.#rounds.size === 0 && this.#waiting.size === 0;
  }

  /** Resolves when the local state is at least as new as the moment of the call. @throws ServiceError NO_QUORUM, SHUTTING_DOWN */
  confirm(deadlineMs: number): Promise<void> {
    return new Promise((resolve, reject) => this.begin(deadlineMs, resolve, reject));
  }

  /** As `confirm`, for a caller that cannot wait for a promise: one of the two is called, once, during a later call of this table. */
  begin(deadlineMs: number, resolve: () => void, reject: (error: ServiceError) => void): void {
    const read: Read = { deadlineMs, startedMs: this.#now(), resolve, reject };
    this.#deadlines.add(read);
    this.#ask(read);
  }

  /** Raft has seen this turn's round. */
  turned(): void {
    this.#joinable = null;
  }

  readConfirmed(id: string, index: LogIndex): void {
    const round = this.#rounds.get(id);
    if (round === undefined || round.index !== null) return;
    round.index = index;
    this.#confirmed((this.#now() - round.askedMs) / 1000);
    this.applied(this.#asker.appliedIndex());
  }

  refused(id: string): void {
    const round = this.#rounds.get(id);
    if (round !== undefined) this.#giveUp(round);
  }

  applied(index: LogIndex): void {
    for (const round of this.#rounds.values()) {
      if (round.index === null || round.index > index) continue;
      this.#rounds.delete(round.id);
      for (const read of round.reads) {
        this.#deadlines.delete(read);
        read.resolve();
      }
    }
  }

  /** Rounds that were on their way to an earlier leader are asked for again. */
  leaderChanged(): void {
    for (const round of [...this.#rounds.values()]) {
      if (round.index === null && round !== this.#joinable) this.#giveUp(round);
    }
  }

  tick(): void {
    const now = this.#now();
    for (const read of this.#deadlines.expired(now)) this.#expire(read);
    for (const round of [...this.#rounds.values()]) {
      if (round.index === null && now - round.askedMs > REPEAT_AFTER_MS) this.#giveUp(round);
    }
    if (this.#waiting.size === 0 || !this.#asker.leaderKnown()) return;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const read of waiting) this.#ask(read);
  }

  /** Answers everybody with this, because nothing more will be confirmed here. */
  abandon(code: ErrorCode, message: string): void {
    for (const read of this.#everyRead()) {
      this.#forget(read);
      read.reject(new ServiceError(code, message));
    }
  }

  #ask(read: Read): void {
    if (this.#joinable === null) {
      const id = `${this.#prefix}-r${++this.#sequence}`;
      this.#joinable = { id, askedMs: this.#now(), reads: new Set(), index: null };
      this.#rounds.set(id, this.#joinable);
      this.#asker.read(id);
    }
    this.#joinable.reads.add(read);
  }

  #giveUp(round: Round): void {
    this.#rounds.delete(round.id);
    if (round === this.#joinable) this.#joinable = null;
    for (const read of round.reads) this.#waiting.add(read);
  }

  #expire(read: Read): void {
    this.#forget(read);
    const waited = `${Math.round(this.#now() - read.startedMs)} ms`;
    const message = `no majority confirmed the read within ${waited}. What this node has may be read with ?consistency=stale`;
    read.reject(new ServiceError('NO_QUORUM', message));
  }

  #forget(read: Read): void {
    this.#waiting.delete(read);
    this.#deadlines.delete(read);
    for (const round of this.#rounds.values()) round.reads.delete(read);
  }

  #everyRead(): Read[] {
    return [...this.#waiting, ...[...this.#rounds.values()].flatMap((round) => [...round.reads])];
  }
}
