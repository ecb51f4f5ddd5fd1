import type { Message, NodeId, Term } from '../../services/kv/core/raft/types.ts';
import { InvariantError, type Micros } from '../types.ts';
import type { SimulatedNode } from './node.ts';

/** Whom a node has heard from without a pause as long as the shortest election time-out. */
interface Lease {
  leader: NodeId;
  term: Term;
  sinceUs: Micros;
  /** By the node's own ticks. */
  heardTick: number;
}

/** An election in some term: who stood, since when it asked for it, and by which voters. */
interface Candidacy {
  readonly node: NodeId;
  readonly sinceUs: Micros;
  readonly voters: string;
  readonly isTransfer: boolean;
}

/**
 * PreVote with CheckQuorum (thesis §9.6, §4.2.3): a leader that a majority hears without a pause is not ended by another's election,
 * unless it handed over. "Without a pause" is judged by each voter's own clock, over all the time since the candidate first asked.
 */
export class Stability {
  readonly #electionTicks: number;
  readonly #nodes: ReadonlyMap<NodeId, SimulatedNode>;
  readonly #leases = new Map<NodeId, Lease>();
  readonly #leadsSince = new Map<NodeId, Micros>();
  /** When a node first asked for consent to a term. */
  readonly #asked = new Map<NodeId, { term: Term; sinceUs: Micros }>();
  readonly #candidacies = new Map<Term, Candidacy[]>();

  constructor(electionTicks: number, nodes: ReadonlyMap<NodeId, SimulatedNode>) {
    this.#electionTicks = electionTicks;
    this.#nodes = nodes;
  }

  restarted(node: NodeId): void {
    this.#leases.delete(node);
    this.#leadsSince.delete(node);
    this.#asked.delete(node);
  }

  /** A node has received one of a leader's messages. */
  heard(node: SimulatedNode, { from, term }: Message, now: Micros): void {
    if (node.leader !== from || node.leaderTerm !== term) return;
    const lease = this.#leases.get(node.id);
    const { ticks } = node;
    if (lease === undefined) {
      this.#leases.set(node.id, { leader: from, term, sinceUs: now, heardTick: ticks });
      return;
    }
    if (lease.leader !== from || lease.term !== term || ticks - lease.heardTick >= this.#electionTicks) {
      lease.leader = from;
      lease.term = term;
      lease.sinceUs = now;
    }
    lease.heardTick = ticks;
  }

  electionStarted(node: SimulatedNode, term: Term, pre: boolean, isTransfer: boolean, now: Micros): void {
    const asked = this.#asked.get(node.id);
    if (pre) {
      if (asked?.term !== term) this.#asked.set(node.id, { term, sinceUs: now });
      return;
    }
    const sinceUs = asked?.term === term ? asked.sinceUs : now;
    const candidacy = { node: node.id, sinceUs, voters: votersOf(node), isTransfer };
    const others = this.#candidacies.get(term);
    if (others === undefined) this.#candidacies.set(term, [candidacy]);
    else others.push(candidacy);
  }

  elected(leader: NodeId, now: Micros): void {
    this.#leadsSince.set(leader, now);
  }

  /** A leader has learnt of a later term. */
  ended(leader: SimulatedNode, term: Term, laterTerm: Term, now: Micros): void {
    const since = this.#leadsSince.get(leader.id) ?? now;
    const candidacies = this.#candidacies.get(laterTerm) ?? [];
    if (candidacies.length === 0 || leader.membership.votersOutgoing.length > 0) return;
    if (candidacies.some(({ isTransfer, voters }) => isTransfer || voters !== votersOf(leader))) return;
    const askedUs = Math.min(...candidacies.map(({ sinceUs }) => sinceUs));
    if (since > askedUs) return;
    const { voters } = leader.membership;
    const loyal = voters.filter((id) => id === leader.id || this.#hearsSince(id, leader.id, term, askedUs));
    if (loyal.length * 2 <= voters.length) return;
    const who = candidacies.map(({ node }) => node).join(', ');
    throw new InvariantError(
      'safety',
      'leader-stability',
      `node ${who} has ended the term ${term} of leader ${leader.id}, from whom ${loyal} of the voters ${voters} had been hearing since before the election`,
    );
  }

  #hearsSince(id: NodeId, leader: NodeId, term: Term, sinceUs: Micros): boolean {
    const lease = this.#leases.get(id);
    const node = this.#nodes.get(id);
    if (lease === undefined || node === undefined || !node.isUp) return false;
    if (lease.leader !== leader || lease.term !== term || lease.sinceUs > sinceUs) return false;
    return node.ticks - lease.heardTick < this.#electionTicks;
  }
}

function votersOf({ membership }: SimulatedNode): string {
  return [...membership.voters].sort((a, b) => a - b).join();
}
