import { type ErrorCode, ServiceError } from '../../../kit/errors.ts';
import type { RequestOptions } from '../api.ts';
import type { LogIndex, Proposal, RefusalReason, Term } from '../core/raft/types.ts';
import { Deadlines } from './deadlines.ts';

/** How the table reaches Raft. */
export interface Proposer {
  propose(proposal: Proposal): void;
  /** Takes a proposal back that Raft has not seen. */
  withdraw(id: string): boolean;
  leaderKnown(): boolean;
}

export interface WriteEvents {
  /** A write at `index` is about to be confirmed to its client. */
  acknowledged(index: LogIndex, seconds: number): void;
  refused(): void;
  timedOut(): void;
}

interface Write<R> {
  /** Counts the requests of this life of this node; ends the request's id. */
  readonly number: number;
  readonly command: Uint8Array;
  readonly deadlineMs: number;
  /** The replicated table of idempotency keys makes it safe to propose it again although its fate is unknown. */
  readonly repeatable: boolean;
  readonly startedMs: number;
  readonly resolve: (result: R) => void;
  readonly reject: (error: ServiceError) => void;
  attempts: number;
  /** The attempt that Raft has; null while the request waits for a leader. */
  proposalId: string | null;
  proposedMs: number;
  /** Of the leader that was given the attempt: if it is in the log at all, its entry has this term. Null when that is not known. */
  term: Term | null;
  /** An earlier attempt may still take effect. */
  uncertain: boolean;
}

/** A repeatable write whose fate is unknown is proposed again after this long, then after twice as long, and so on. */
const REPEAT_AFTER_MS = 1000;

/**
 * The writes that clients of this node wait for. A refusal that says "definitely not appended" is answered by another attempt until the
 * deadline; an attempt whose fate is unknown only where the write is repeatable.
 * @typeParam R what applying a command gives
 */
export class Writes<R> {
  readonly #proposer: Proposer;
  readonly #events: WriteEvents;
  readonly #prefix: string;
  readonly #now: () => number;
  /** By number: a text as key would have to be looked up among all texts of the process first. */
  readonly #writes = new Map<number, Write<R>>();
  readonly #waiting = new Set<Write<R>>();
  readonly #deadlines: Deadlines<Write<R>>;
  #appliedTerm: Term = 0;
  #sequence = 0;

  /** @param prefix names this life of this node: no request id of another one may look alike */
  constructor(proposer: Proposer, events: WriteEvents, prefix: string, now: () => number) {
    this.#proposer = proposer;
    this.#events = events;
    this.#prefix = `${prefix}-`;
    this.#now = now;
    this.#deadlines = new Deadlines(now());
  }

  get size(): number {
    return this.#writes.size;
  }

  /**
   * Replicates a command; resolves with what applying it at this node gave.
   * @param encode given the id by which the entry is recognised when it is applied
   * @throws ServiceError NO_QUORUM, TIMEOUT, OVERLOADED, SHUTTING_DOWN
   */
  submit(encode: (requestId: string) => Uint8Array, options: RequestOptions): Promise<R> {
    return new Promise((resolve, reject) => this.begin(encode, options, resolve, reject));
  }

  /** As `submit`, for a caller that cannot wait for a promise: one of the two is called, once, during a later call of this table. */
  begin(
    encode: (requestId: string) => Uint8Array,
    options: RequestOptions,
    resolve: (result: R) => void,
    reject: (error: ServiceError) => void,
  ): void {
    const number = ++this.#sequence;
    const write: Write<R> = {
      number,
      command: encode(`${this.#prefix}${number}`),
      deadlineMs: options.deadlineMs,
      repeatable: options.idempotencyKey !== undefined,
      startedMs: this.#now(),
      resolve,
      reject,
      attempts: 0,
      proposalId: null,
      proposedMs: 0,
      term: null,
      uncertain: false,
    };
    this.#writes.set(number, write);
    this.#deadlines.add(write);
    this.#propose(write);
  }

  /** The attempt went to the leader of `term`, which takes it in that term or not at all. */
  placed(proposalId: string, term: Term): void {
    const write = this.#proposed(proposalId);
    if (write !== undefined) write.term = term;
  }

  /** The attempt certainly had no effect. */
  refused(proposalId: string, reason: RefusalReason): void {
    const write = this.#proposed(proposalId);
    if (write === undefined) return;
    this.#forget(write);
    if (reason === 'overloaded') this.#fail(write, overloaded(write.uncertain));
    else this.#waiting.add(write);
  }

  /**
   * An entry has been applied here.
   * @param requestId that of its command, null for other entries
   */
  applied(index: LogIndex, term: Term, requestId: string | null, result: R | null): void {
    const write = requestId === null ? undefined : this.#find(requestId);
    if (write !== undefined && result !== null) {
      this.#events.acknowledged(index, (this.#now() - write.startedMs) / 1000);
      this.#remove(write);
      write.resolve(result);
    }
    if (term > this.#appliedTerm) this.#termBegan(term);
  }

  /** A snapshot has replaced the state; what it contains of the attempts under way cannot be seen. */
  restored(): void {
    for (const write of this.#writes.values()) write.term = null;
  }

  tick(): void {
    const now = this.#now();
    for (const write of this.#deadlines.expired(now)) this.#expire(write);
    for (const write of this.#writes.values()) {
      if (!write.repeatable || write.proposalId === null) continue;
      if (now - write.proposedMs > REPEAT_AFTER_MS * 2 ** (write.attempts - 1)) this.#repeat(write);
    }
    if (this.#waiting.size > 0 && this.#proposer.leaderKnown()) {
      for (const write of this.#waiting) this.#propose(write);
    }
  }

  /** Answers everybody with this, because nothing more will be confirmed here. */
  abandon(code: ErrorCode, message: string): void {
    for (const write of [...this.#writes.values()]) {
      this.#fail(write, new ServiceError(code, message, { definite: this.#isDefinite(write) }));
    }
  }

  /**
   * Terms in the log never decrease and entries are applied in order: an attempt of an earlier term that has not been applied by now
   * never will be, and can be made again without harm.
   */
  #termBegan(term: Term): void {
    this.#appliedTerm = term;
    for (const { proposalId, term: placed } of this.#writes.values()) {
      if (proposalId !== null && placed !== null && placed < term) this.refused(proposalId, 'notLeader');
    }
  }

  /** The write that has this attempt under way, if it is one of this node's. */
  #proposed(proposalId: string): Write<R> | undefined {
    const write = this.#find(proposalId);
    return write?.proposalId === proposalId ? write : undefined;
  }

  /** @param id of a request, or of an attempt, which begins with it */
  #find(id: string): Write<R> | undefined {
    return id.startsWith(this.#prefix)
      ? this.#writes.get(Number.parseInt(id.slice(this.#prefix.length), 10))
      : undefined;
  }

  #propose(write: Write<R>): void {
    this.#waiting.delete(write);
    write.attempts += 1;
    write.proposalId = `${this.#prefix}${write.number}/${write.attempts}`;
    write.proposedMs = this.#now();
    write.term = null;
    this.#proposer.propose({ id: write.proposalId, data: write.command });
  }

  #repeat(write: Write<R>): void {
    write.uncertain = true;
    this.#forget(write);
    this.#waiting.add(write);
  }

  #expire(write: Write<R>): void {
    const definite = this.#isDefinite(write);
    const waited = `${Math.round(this.#now() - write.startedMs)} ms`;
    this.#events.timedOut();
    if (!definite && this.#proposer.leaderKnown()) {
      const message = `not confirmed within ${waited}: it may still take effect. Repeat it with an Idempotency-Key, or read before you repeat it`;
      this.#settle(write, new ServiceError('TIMEOUT', message));
      return;
    }
    const message = definite
      ? `no leader with a majority was found within ${waited}: nothing was written`
      : `the leader lost its majority, or was lost, before a majority had confirmed the write within ${waited}: it may still take effect`;
    this.#settle(write, new ServiceError('NO_QUORUM', message, { definite }));
  }

  #isDefinite(write: Write<R>): boolean {
    if (write.uncertain) return false;
    return write.proposalId === null || this.#proposer.withdraw(write.proposalId);
  }

  #fail(write: Write<R>, error: ServiceError): void {
    this.#events.refused();
    this.#settle(write, error);
  }

  #settle(write: Write<R>, error: ServiceError): void {
    this.#remove(write);
    write.reject(error);
  }

  #remove(write: Write<R>): void {
    this.#forget(write);
    this.#waiting.delete(write);
    this.#writes.delete(write.number);
    this.#deadlines.delete(write);
  }

  #forget(write: Write<R>): void {
    write.proposalId = null;
  }
}

function overloaded(uncertain: boolean): ServiceError {
  const message = 'the leader has as many uncommitted writes as it takes: try again later';
  return new ServiceError('OVERLOADED', message, { definite: !uncertain });
}
