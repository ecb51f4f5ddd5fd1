import type { Replica } from './replica.ts';
import type { MessageOf } from './rules.ts';
import type { NodeId, Proposal } from './types.ts';

/**
 * Proposals on their way from a follower to the leader. Each message is taken at most once: a copy that the network made could
 * append a command twice, or after its refusal was reported as definite.
 */
export class Forwarding {
  readonly #replica: Replica;
  #sequence = 0;
  readonly #taken = new Map<NodeId, { incarnation: number; sequence: number }>();

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** Passes proposals to the leader in messages of bounded size. */
  forward(leader: NodeId, proposals: readonly Proposal[]): void {
    const { appendBytesMax } = this.#replica.config;
    let start = 0;
    let bytes = 0;
    for (let i = 0; i < proposals.length; i++) {
      const { length } = proposals[i]!.data;
      if (i > start && bytes + length > appendBytesMax) {
        this.#send(leader, proposals.slice(start, i));
        start = i;
        bytes = 0;
      }
      bytes += length;
    }
    if (start < proposals.length) this.#send(leader, start === 0 ? proposals : proposals.slice(start));
  }

  #send(leader: NodeId, proposals: readonly Proposal[]): void {
    const { id, term, config } = this.#replica;
    this.#sequence += 1;
    this.#replica.send({
      type: 'forwardProposals',
      from: id,
      to: leader,
      term,
      incarnation: config.incarnation,
      sequence: this.#sequence,
      proposals,
    });
  }

  /** Whether this message was not seen before; notes that it was. */
  take(message: MessageOf<'forwardProposals'>): boolean {
    const { incarnation, sequence } = message;
    const last = this.#taken.get(message.from);
    if (last === undefined) {
      this.#taken.set(message.from, { incarnation, sequence });
      return true;
    }
    if (incarnation < last.incarnation || (incarnation === last.incarnation && sequence <= last.sequence)) return false;
    last.incarnation = incarnation;
    last.sequence = sequence;
    return true;
  }
}
