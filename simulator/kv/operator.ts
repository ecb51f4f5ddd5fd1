import { isJoint, members } from '../../services/kv/core/raft/membership.ts';
import type { Membership, MembershipChange, Message, NodeId } from '../../services/kv/core/raft/types.ts';
import { NODES_MAX } from '../network.ts';
import { NO_NODE, type Target } from '../types.ts';
import type { World } from '../world.ts';
import type { SimulatedNode } from './node.ts';
import type { KvAction } from './types.ts';

/** How often the operator looks after the cluster. */
const ROUND_US = 100_000;
/** A learner that lacks no more than this is fit to vote, as in services/kv/driver/leader-duties.ts. */
const PROMOTION_LAG_MAX = 64;
/** Fewer voters are never left. */
const VOTERS_MIN = 3;

export const OperatorTimer = { round: 201 } as const;

/** A change of voters that the operator wants: who comes, who goes. It is carried out as soon as a leader does it. */
interface Intention {
  readonly promote: readonly NodeId[];
  readonly remove: readonly NodeId[];
}

/** What the operator sees and does. */
export interface Cluster {
  readonly nodes: ReadonlyMap<NodeId, SimulatedNode>;
  leader(): SimulatedNode | null;
  find(target: Target): NodeId | null;
  /** Sets up a new node, which knows the founders and is no member yet. */
  add(id: NodeId): void;
}

/**
 * Whoever runs the cluster: replaces nodes that lost their data (under a new id, as learner and then as voter in one change of voters), and
 * carries out the plan's actions. It asks the leader, again and again until the wish is fulfilled.
 */
export class Operator {
  readonly #world: World<Message>;
  readonly #cluster: Cluster;
  readonly #intentions: Intention[] = [];
  /** Lost nodes that an intention takes care of. */
  readonly #replaced = new Set<NodeId>();
  #nextId: NodeId;
  #changes = 0;
  readonly counts = { 'operator.replaced': 0, 'operator.changes': 0 };

  constructor(world: World<Message>, cluster: Cluster, founders: number) {
    this.#world = world;
    this.#cluster = cluster;
    this.#nextId = founders + 1;
  }

  begin(): void {
    this.#world.timer(NO_NODE, ROUND_US, OperatorTimer.round);
  }

  /** Whether nothing is left to do. */
  get isDone(): boolean {
    return this.#intentions.length === 0;
  }

  round(): void {
    this.#world.timer(NO_NODE, ROUND_US, OperatorTimer.round);
    for (const node of this.#cluster.nodes.values()) if (node.isLost) this.#replace(node.id);
    const intention = this.#intentions[0];
    const leader = this.#cluster.leader();
    if (intention === undefined || leader === null) return;
    if (this.#isFulfilled(intention, leader)) {
      this.#intentions.shift();
      return;
    }
    this.#pursue(intention, leader);
  }

  act(action: KvAction): void {
    const leader = this.#cluster.leader();
    switch (action.type) {
      case 'snapshot': {
        const id = this.#cluster.find(action.node);
        if (id !== null) this.#cluster.nodes.get(id)!.takeSnapshot();
        break;
      }
      case 'transfer':
      case 'forceSnapshot': {
        const to = this.#cluster.find(action.to);
        if (leader === null || to === null || to === leader.id) break;
        leader.input({ type: action.type === 'transfer' ? 'transferLeadership' : 'forceSnapshot', to });
        break;
      }
      default:
        if (leader !== null && this.#intentions.length === 0) this.#plan(action, leader);
    }
  }

  #plan(
    action: Extract<KvAction, { type: 'grow' | 'shrink' | 'replace' | 'replaceAll' }>,
    leader: SimulatedNode,
  ): void {
    const voters = leader.membership.voters.filter((id) => !this.#cluster.nodes.get(id)?.isLost);
    const target = 'node' in action ? this.#cluster.find(action.node) : null;
    const one = target !== null && voters.includes(target) ? [target] : [];
    if (action.type === 'grow') this.#intend(1, []);
    else if (action.type === 'replaceAll') this.#intend(voters.length, voters);
    else if (action.type === 'replace' && one.length > 0) this.#intend(1, one);
    else if (action.type === 'shrink' && one.length > 0 && voters.length > VOTERS_MIN) this.#intend(0, one);
  }

  #intend(joining: number, remove: readonly NodeId[]): void {
    if (this.#nextId + joining >= NODES_MAX) return;
    const promote = Array.from({ length: joining }, () => this.#nextId++);
    for (const id of promote) this.#cluster.add(id);
    this.#intentions.push({ promote, remove });
  }

  #replace(lost: NodeId): void {
    if (this.#replaced.has(lost)) return;
    this.#replaced.add(lost);
    const leader = this.#cluster.leader();
    const membership = leader?.membership;
    // Who is no member, or is going anyway, needs no successor.
    const isGoing = this.#intentions.some(({ remove }) => remove.includes(lost));
    if (isGoing || (membership !== undefined && !members(membership).includes(lost))) return;
    this.counts['operator.replaced'] += 1;
    this.#intend(1, [lost]);
  }

  #isFulfilled({ promote, remove }: Intention, leader: SimulatedNode): boolean {
    const { membership } = leader;
    const status = leader.core!.status();
    const isIn = (id: NodeId) => membership.voters.includes(id) || this.#cluster.nodes.get(id)!.isLost;
    const isOut = (id: NodeId) => !members(membership).includes(id);
    return (
      !isJoint(membership) && status.commitIndex === status.lastIndex && promote.every(isIn) && remove.every(isOut)
    );
  }

  /** One step towards it, if the leader can take one now. */
  #pursue(intention: Intention, leader: SimulatedNode): void {
    const { membership } = leader;
    if (isJoint(membership)) return;
    const living = intention.promote.filter((id) => !this.#cluster.nodes.get(id)!.isLost);
    const unknown = living.find((id) => !members(membership).includes(id) && !membership.retired.includes(id));
    if (unknown !== undefined) {
      this.#change(leader, { type: 'addLearner', node: unknown, address: `host-${unknown}` });
      return;
    }
    const promote = living.filter((id) => membership.learners.includes(id));
    const remove = intention.remove.filter((id) => members(membership).includes(id));
    if (promote.every((id) => this.#hasCaughtUp(leader, id)) && this.#leavesVoters(membership, promote, remove))
      this.#change(leader, { type: 'changeVoters', promote, remove });
  }

  #leavesVoters({ voters }: Membership, promote: readonly NodeId[], remove: readonly NodeId[]): boolean {
    return voters.filter((id) => !remove.includes(id)).length + promote.length > 0;
  }

  #hasCaughtUp(leader: SimulatedNode, id: NodeId): boolean {
    const { progress, lastIndex } = leader.core!.status();
    const of = progress.find(({ node }) => node === id);
    return of?.active === true && of.state === 'replicate' && lastIndex - of.matchIndex <= PROMOTION_LAG_MAX;
  }

  #change(leader: SimulatedNode, change: MembershipChange): void {
    this.counts['operator.changes'] += 1;
    leader.input({ type: 'changeMembership', id: `change-${++this.#changes}`, change });
  }
}
