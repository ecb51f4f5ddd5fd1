import type { LogIndex, Membership, NodeId } from '../core/raft/types.ts';

/**
 * Checks, beside Raft's own bookkeeping, that a write is acknowledged only when it is durable: on this node and on a majority, by what
 * the disk layers themselves have counted. Each frame between members carries its sender's figure.
 */
export class DurabilityAudit {
  readonly #nodeId: NodeId;
  readonly #ownDurableIndex: () => LogIndex;
  readonly #membership: () => Membership;
  readonly #reported = new Map<NodeId, LogIndex>();
  /** Greatest index that a majority has reported, here or at the leader. What was once durable on a majority stays committed. */
  #quorum: LogIndex = 0;

  constructor(nodeId: NodeId, ownDurableIndex: () => LogIndex, membership: () => Membership) {
    this.#nodeId = nodeId;
    this.#ownDurableIndex = ownDurableIndex;
    this.#membership = membership;
  }

  get durableIndex(): LogIndex {
    return this.#ownDurableIndex();
  }

  /** What another member says of its disk, and of a majority's. */
  report(from: NodeId, durableIndex: LogIndex, quorumDurableIndex: LogIndex): void {
    this.#reported.set(from, durableIndex);
    this.#quorum = Math.max(this.#quorum, quorumDurableIndex);
  }

  quorumDurableIndex(): LogIndex {
    const { voters, votersOutgoing } = this.#membership();
    const own = this.#ownDurableIndex();
    const reached = (nodes: readonly NodeId[]) => {
      const indexes = nodes.map((node) => (node === this.#nodeId ? own : (this.#reported.get(node) ?? 0)));
      return indexes.sort((a, b) => b - a)[nodes.length >> 1] ?? 0;
    };
    const index = votersOutgoing.length === 0 ? reached(voters) : Math.min(reached(voters), reached(votersOutgoing));
    this.#quorum = Math.max(this.#quorum, index);
    return this.#quorum;
  }

  /** Whether the disks have reported the entry at `index` durable where it must be before it is acknowledged. */
  isDurable(index: LogIndex): boolean {
    if (index > this.#ownDurableIndex()) return false;
    return index <= this.#quorum || index <= this.quorumDurableIndex();
  }
}
