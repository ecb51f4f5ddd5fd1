import type { Replica } from './replica.ts';
import type { LogIndex, NodeId, RefusalReason } from './types.ts';

interface Request {
  /** Where the reads were made: this node, or the follower that forwarded them. */
  readonly from: NodeId;
  readonly ids: readonly string[];
}

interface Round {
  readonly number: number;
  readonly index: LogIndex;
  readonly requests: readonly Request[];
}

/**
 * ReadIndex (thesis §6.4): a read may be answered from the state at the commit index of its arrival, once a majority has confirmed
 * that this node still led then. All reads that come while a round is open share the next one.
 */
export class ReadRounds {
  readonly #replica: Replica;
  readonly #startRound: () => void;
  readonly #acknowledged: (node: NodeId, round: number) => boolean;
  #queued: Request[] = [];
  /** Oldest first. */
  #open: Round[] = [];
  #number = 0;
  #ready = false;

  /**
   * @param startRound sends heartbeats that carry `newest` to the voters
   * @param acknowledged whether a node has acknowledged a heartbeat of this round or a later one
   */
  constructor(replica: Replica, startRound: () => void, acknowledged: (node: NodeId, round: number) => boolean) {
    this.#replica = replica;
    this.#startRound = startRound;
    this.#acknowledged = acknowledged;
  }

  /** Number of the newest round; every heartbeat carries it, so that a lost one is made good by the next. */
  get newest(): number {
    return this.#number;
  }

  add(from: NodeId, ids: readonly string[]): void {
    this.#queued.push({ from, ids });
    if (this.#open.length === 0) this.#begin();
  }

  /** An entry of this leader's own term is committed, so its commit index covers all that earlier leaders committed. */
  ready(): void {
    if (this.#ready) return;
    this.#ready = true;
    this.#begin();
  }

  /** Called before the regular heartbeat: what is queued need not wait for an open round whose messages may be lost. */
  beforeHeartbeat(): void {
    if (this.#ready && this.#queued.length > 0) this.#open.push(this.#nextRound());
  }

  /** Some node's acknowledgement, or the configuration, has changed. */
  confirm(): void {
    const { rules, memberships } = this.#replica;
    while (this.#open.length > 0) {
      const { number } = this.#open[0]!;
      if (!rules.confirmsRead(memberships.current, (node) => this.#acknowledged(node, number))) return;
      this.#answer(this.#open.shift()!);
      if (this.#open.length === 0) this.#begin();
    }
  }

  /** The leader steps down. */
  refuseAll(): void {
    for (const round of this.#open) for (const request of round.requests) this.#refuse(request, 'notLeader');
    for (const request of this.#queued) this.#refuse(request, 'notLeader');
    this.#open = [];
    this.#queued = [];
  }

  #begin(): void {
    if (!this.#ready || this.#queued.length === 0) return;
    this.#open.push(this.#nextRound());
    this.#startRound();
    // A leader that is a majority by itself has nobody to ask.
    if (this.#open.length === 1) this.confirm();
  }

  #nextRound(): Round {
    this.#number += 1;
    const round = { number: this.#number, index: this.#replica.commitIndex, requests: this.#queued };
    this.#queued = [];
    return round;
  }

  #answer(round: Round): void {
    const replica = this.#replica;
    for (const { from, ids } of round.requests) {
      if (from === replica.id) for (const id of ids) replica.outbox.reads.push({ id, index: round.index });
      else
        replica.send({
          type: 'readsConfirmed',
          from: replica.id,
          to: from,
          term: replica.term,
          ids,
          index: round.index,
        });
    }
  }

  #refuse({ from, ids }: Request, reason: RefusalReason): void {
    const replica = this.#replica;
    if (from === replica.id) {
      for (const id of ids) replica.outbox.refused.push({ id, reason, leader: replica.leader });
    } else {
      replica.send({ type: 'readsRefused', from: replica.id, to: from, term: replica.term, ids, reason });
    }
  }
}
