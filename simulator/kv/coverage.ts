import type { Rules } from '../../services/kv/core/raft/rules.ts';
import type { Input, Message, NodeId, Output } from '../../services/kv/core/raft/types.ts';
import type { World } from '../world.ts';
import type { Found, SimulatedNode } from './node.ts';

/** Rare situations: the weather is made so that runs get into them, and a test looks that they do. */
const NOTHING = {
  'rare.earlierTermNotCounted': 0,
  'rare.suffixTruncated': 0,
  'rare.suffixReplacedBySnapshot': 0,
  'rare.snapshotConfirmsLog': 0,
  'rare.jointLeaderCrash': 0,
  'rare.leaderRemoved': 0,
  'rare.staleLeaderAsked': 0,
  'rare.oneWayLeaderAsked': 0,
  'rare.skewedLeaderAsked': 0,
  'rare.tornTail': 0,
  'rare.fullDiskOfFollower': 0,
  'rare.fullDiskOfLeader': 0,
  'rare.appendDuringSnapshot': 0,
  'rare.transferDuringPartition': 0,
  'rare.damagedLogRefused': 0,
  'raft.elections': 0,
  'raft.preElections': 0,
  'raft.snapshotsInstalled': 0,
  'raft.snapshotsStored': 0,
  'raft.membershipChanges': 0,
  'raft.quorumLost': 0,
  'raft.transfers': 0,
};

export type CoverageCounts = Record<keyof typeof NOTHING, number>;

/** Counts what was reached, and signals some of it, so that faults of the plan can begin just then. */
export class Coverage {
  readonly counts: CoverageCounts = { ...NOTHING };
  readonly #world: World<Message>;
  readonly #nodes: ReadonlyMap<NodeId, SimulatedNode>;
  /** Nodes that have part of a snapshot. */
  readonly #receiving = new Set<NodeId>();

  constructor(world: World<Message>, nodes: ReadonlyMap<NodeId, SimulatedNode>) {
    this.#world = world;
    this.#nodes = nodes;
  }

  /** Counts where §3.6.2 decides. */
  watch(rules: Rules, node: NodeId): Rules {
    return {
      ...rules,
      commitsByCounting: (entryTerm, term) => {
        if (entryTerm < term) {
          this.counts['rare.earlierTermNotCounted'] += 1;
          this.#world.signal('earlierTermOnMajority', node);
        }
        return rules.commitsByCounting(entryTerm, term);
      },
    };
  }

  started(node: SimulatedNode, { tornBytes }: Found): void {
    this.#receiving.delete(node.id);
    if (tornBytes > 0) this.counts['rare.tornTail'] += 1;
  }

  /** Looked at before the log of the node is known to have changed. */
  stepped(node: SimulatedNode, input: Input, { persist, events }: Output): void {
    if (persist !== null && persist.snapshotWrite !== null) this.#chunk(node, persist.snapshotWrite);
    if (persist !== null && persist.entries.length > 0) this.#entries(node, persist.entries[0]!.index);
    if (input.type === 'message') this.#message(node, input.message);
    if (input.type === 'read' && node.role === 'leader') this.#leaderAsked(node);
    if (input.type === 'snapshotStored' && node.role === 'leader') this.#world.signal('snapshotStored', node.id);
    for (const event of events) this.#event(node, event);
  }

  #message(node: SimulatedNode, message: Message): void {
    if (message.type === 'append' && this.#receiving.has(node.id)) this.counts['rare.appendDuringSnapshot'] += 1;
    if (message.type === 'installSnapshot') {
      const { index, term } = message.snapshot;
      if (index > node.appliedIndex && node.log.at(index) === term) this.counts['rare.snapshotConfirmsLog'] += 1;
    }
  }

  #chunk(node: SimulatedNode, { snapshot, done }: NonNullable<NonNullable<Output['persist']>['snapshotWrite']>): void {
    if (!done) {
      if (!this.#receiving.has(node.id)) this.#world.signal('snapshotBegun', node.id);
      this.#receiving.add(node.id);
      return;
    }
    this.#receiving.delete(node.id);
    this.counts['raft.snapshotsInstalled'] += 1;
    // What it had beyond the last committed entry it knows, and is now gone, had lost.
    if (node.log.last > node.appliedIndex && node.log.at(snapshot.index) !== snapshot.term)
      this.counts['rare.suffixReplacedBySnapshot'] += 1;
    this.#world.signal('snapshotInstalled', node.id);
  }

  #entries(node: SimulatedNode, first: number): void {
    if (first <= node.log.last) this.counts['rare.suffixTruncated'] += 1;
    if (node.role === 'leader') this.#world.signal('appended', node.id);
  }

  #leaderAsked(node: SimulatedNode): void {
    const { network } = this.#world;
    for (const other of this.#nodes.values()) {
      if (other.role === 'leader' && other.leaderTerm > node.leaderTerm) this.counts['rare.staleLeaderAsked'] += 1;
    }
    const others = node.membership.voters.filter((id) => id !== node.id);
    if (others.some((id) => network.isCut(node.id, id) !== network.isCut(id, node.id)))
      this.counts['rare.oneWayLeaderAsked'] += 1;
    if (node.machine.clock.rate !== 1) this.counts['rare.skewedLeaderAsked'] += 1;
  }

  #event(node: SimulatedNode, event: Output['events'][number]): void {
    switch (event.type) {
      case 'electionStarted':
        this.counts[event.pre ? 'raft.preElections' : 'raft.elections'] += 1;
        if (!event.pre) this.#world.signal('candidate', node.id);
        break;
      case 'roleChanged':
        if (event.role === 'leader') this.#world.signal('elected', node.id);
        break;
      case 'steppedDown':
        if (event.reason === 'removed') this.counts['rare.leaderRemoved'] += 1;
        else if (event.reason === 'quorumLost') this.counts['raft.quorumLost'] += 1;
        else if (event.reason === 'transferred') this.counts['raft.transfers'] += 1;
        break;
      case 'membershipChanged':
        this.counts['raft.membershipChanges'] += 1;
        if (node.role === 'leader' && event.membership.voters.join() !== node.membership.voters.join())
          this.#world.signal('votersChanged', node.id);
        break;
      case 'compacted':
        this.counts['raft.snapshotsStored'] += 1;
    }
  }

  crashed(node: SimulatedNode): void {
    if (node.role === 'leader' && node.membership.votersOutgoing.length > 0) this.counts['rare.jointLeaderCrash'] += 1;
  }

  noSpace(node: SimulatedNode): void {
    this.counts[node.role === 'leader' ? 'rare.fullDiskOfLeader' : 'rare.fullDiskOfFollower'] += 1;
  }

  transferAsked(): void {
    if (this.#world.network.isPartitioned) this.counts['rare.transferDuringPartition'] += 1;
  }
}
