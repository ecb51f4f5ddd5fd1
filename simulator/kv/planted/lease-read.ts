import { isQuorum } from '../../../services/kv/core/raft/membership.ts';
import { Raft } from '../../../services/kv/core/raft/raft.ts';
import type { Input, Message, NodeId, Output } from '../../../services/kv/core/raft/types.ts';
import type { Core, CoreParts } from '../types.ts';
import type { PlantedBug } from './types.ts';

/**
 * A leader answers reads by a lease: as long as no other leader can have been elected since a majority answered its heartbeats, going by
 * its own clock. With equal clocks that is right. A leader whose clock runs slow, or stands still, believes in its lease for too long.
 * Forbidden by §6.4.1: the lease assumes a bound on clock drift, and none is promised here.
 */
export const leaseRead: PlantedBug = {
  name: 'lease-read',
  mistake: 'a leader answers reads by a lease that it measures with its own clock',
  forbiddenBy: '§6.4.1',
  caughtBy: ['linearizability'],
  seedsMax: 500,
  variation: () => ({ makeCore: (parts) => new LeaseReader(parts) }),
};

/** Heartbeats carry, beside the round of ReadIndex, the tick at which they were sent: it comes back in the answer. */
const TICKS_MAX = 2 ** 24;

const ANSWERED: Omit<Output, 'reads'> = {
  messages: [],
  persist: null,
  committed: [],
  accepted: [],
  refused: [],
  snapshotReads: [],
  restore: null,
  events: [],
};

class LeaseReader implements Core {
  readonly #core: Raft;
  readonly #parts: CoreParts;
  /** By this node's clock, since its start. */
  #ticks = 0;
  /** When the newest heartbeat was sent that each node has answered in this term. */
  #answered = new Map<NodeId, number>();
  #term = 0;
  /** A leader that hands over has asked for an election that no lease stands against. */
  #handsOver = false;

  constructor(parts: CoreParts) {
    this.#parts = parts;
    this.#core = new Raft(parts.config, parts.restored, parts.random, parts.rules);
  }

  step(input: Input): Output {
    if (input.type === 'tick') this.#ticks += 1;
    if (input.type === 'transferLeadership') this.#handsOver = true;
    if (input.type === 'read' && this.#hasLease()) {
      const index = this.#core.status().commitIndex;
      return { ...ANSWERED, reads: input.ids.map((id) => ({ id, index })) };
    }
    // Who has just started does not remember to whom it granted a lease: it votes only when that one must be over.
    const forgetful = this.#parts.restored !== null && this.#ticks < this.#parts.config.electionTicks;
    if (forgetful && input.type === 'message' && input.message.type === 'requestVote')
      return { ...ANSWERED, reads: [] };
    const output = this.#core.step(this.#unmarked(input));
    return {
      ...output,
      messages: output.messages.map((message) => this.#marked(message)),
      persist: this.#markedWrite(output),
    };
  }

  #hasLease(): boolean {
    const { role, term, membership, commitIndex, id } = this.#core.status();
    const { electionTicks, checkQuorum } = this.#parts.config;
    if (role !== 'leader' || term !== this.#term || this.#handsOver || !checkQuorum) return false;
    if (this.#core.termAt(commitIndex) !== term) return false;
    const since = this.#ticks - electionTicks + 1;
    return isQuorum(membership, (node) => node === id || (this.#answered.get(node) ?? -1) > since);
  }

  #marked(message: Message): Message {
    return message.type === 'heartbeat'
      ? { ...message, readRound: message.readRound * TICKS_MAX + this.#ticks }
      : message;
  }

  #markedWrite({ persist }: Output): Output['persist'] {
    return persist && { ...persist, thenSend: persist.thenSend.map((message) => this.#marked(message)) };
  }

  /** The input as the core knows it; what the mark in an answer says is taken down. */
  #unmarked(input: Input): Input {
    if (input.type !== 'message' || input.message.type !== 'heartbeatAck') return input;
    const { message } = input;
    if (message.term > this.#term) {
      this.#term = message.term;
      this.#answered = new Map();
      this.#handsOver = false;
    }
    const sentAt = message.readRound % TICKS_MAX;
    if (message.term === this.#term) {
      this.#answered.set(message.from, Math.max(sentAt, this.#answered.get(message.from) ?? 0));
    }
    return { type: 'message', message: { ...message, readRound: Math.floor(message.readRound / TICKS_MAX) } };
  }

  status(): ReturnType<Raft['status']> {
    return this.#core.status();
  }

  snapshotMeta(index: number, size: number): ReturnType<Raft['snapshotMeta']> {
    return this.#core.snapshotMeta(index, size);
  }

  termAt(index: number): ReturnType<Raft['termAt']> {
    return this.#core.termAt(index);
  }
}
