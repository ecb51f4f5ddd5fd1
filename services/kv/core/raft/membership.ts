import { assert } from '../../../../kit/assert.ts';
import type { LogIndex, Membership, MembershipChange, NodeId } from './types.ts';

/** While joint, both sets of voters decide (thesis §4.3). */
export function isJoint(membership: Membership): boolean {
  return membership.votersOutgoing.length > 0;
}

/** A voter of either set may stand for election and is asked for its vote. */
export function isVoter(membership: Membership, node: NodeId): boolean {
  return membership.voters.includes(node) || membership.votersOutgoing.includes(node);
}

/** Everybody the leader replicates to, itself included; each once. */
export function members(membership: Membership): NodeId[] {
  return [...new Set([...membership.voters, ...membership.votersOutgoing, ...membership.learners])];
}

/** Whether those for whom `has` is true are a majority of each set in force. */
export function isQuorum(membership: Membership, has: (node: NodeId) => boolean): boolean {
  return isMajority(membership.voters, has) && (!isJoint(membership) || isMajority(membership.votersOutgoing, has));
}

function isMajority(voters: readonly NodeId[], has: (node: NodeId) => boolean): boolean {
  let count = 0;
  for (const voter of voters) if (has(voter)) count += 1;
  return count * 2 > voters.length;
}

/** The highest index that a majority of each set in force has reached. */
export function quorumIndex(membership: Membership, matchOf: (node: NodeId) => LogIndex): LogIndex {
  const index = majorityIndex(membership.voters, matchOf);
  return isJoint(membership) ? Math.min(index, majorityIndex(membership.votersOutgoing, matchOf)) : index;
}

function majorityIndex(voters: readonly NodeId[], matchOf: (node: NodeId) => LogIndex): LogIndex {
  if (voters.length === 0) return 0;
  const indices: LogIndex[] = [];
  for (const voter of voters) indices.push(matchOf(voter));
  indices.sort((a, b) => b - a);
  return indices[voters.length >> 1]!;
}

/**
 * The configuration that a change asks for, or what is wrong with it. A change of voters goes through joint consensus, whatever
 * its size: any two majorities of consecutive configurations meet.
 */
export function planChange(current: Membership, change: MembershipChange): Membership | string {
  if (change.type === 'addLearner') {
    if (current.retired.includes(change.node)) return `node ${change.node} was removed: its id is not used again`;
    const isLearner = current.learners.includes(change.node);
    if (isLearner ? current.addresses[change.node] === change.address : members(current).includes(change.node)) {
      return `node ${change.node} is a member already`;
    }
    return {
      ...current,
      learners: isLearner ? current.learners : [...current.learners, change.node],
      addresses: { ...current.addresses, [change.node]: change.address },
    };
  }
  for (const node of change.promote) if (!current.learners.includes(node)) return `node ${node} is no learner`;
  for (const node of change.remove) {
    if (change.promote.includes(node)) return `node ${node} is both promoted and removed`;
    if (!members(current).includes(node)) return `node ${node} is no member`;
  }
  const stays = (node: NodeId) => !change.remove.includes(node);
  const voters = [...new Set([...current.voters.filter(stays), ...change.promote])];
  if (voters.length === 0) return 'no voter would be left';
  const learners = current.learners.filter((node) => stays(node) && !change.promote.includes(node));
  const sameVoters = change.promote.length === 0 && voters.length === current.voters.length;
  if (sameVoters && learners.length === current.learners.length) return 'nothing would change';
  return retireLeavers(current, { ...current, voters, learners, votersOutgoing: sameVoters ? [] : current.voters });
}

/** The configuration that ends a joint one. */
export function leaveJoint(joint: Membership): Membership {
  return retireLeavers(joint, { ...joint, votersOutgoing: [] });
}

/** `next` with nothing left of those who are members in `current` only, but their ids. */
function retireLeavers(current: Membership, next: Membership): Membership {
  const staying = new Set(members(next));
  const addresses: Record<NodeId, string> = {};
  for (const node of staying) {
    const address = current.addresses[node];
    if (address !== undefined) addresses[node] = address;
  }
  const leavers = members(current).filter((node) => !staying.has(node));
  const retired = [...current.retired, ...leavers].sort((a, b) => a - b);
  return { ...next, retired, addresses };
}

/** The id to propose to a node that needs a new one: above all that are or were in use. */
export function nextNodeId(membership: Pick<Membership, 'addresses' | 'retired'>): NodeId {
  return Math.max(-1, ...Object.keys(membership.addresses).map(Number), ...membership.retired) + 1;
}

/** JSON: configurations are rare and small, and a person with a hex dump can read them. */
export function encodeMembership(membership: Membership): Uint8Array {
  const { voters, votersOutgoing, learners, retired, addresses } = membership;
  return new TextEncoder().encode(JSON.stringify({ voters, votersOutgoing, learners, retired, addresses }));
}

export function decodeMembership(data: Uint8Array): Membership {
  const parsed = JSON.parse(new TextDecoder().decode(data)) as Membership;
  for (const ids of [parsed.voters, parsed.votersOutgoing, parsed.learners, parsed.retired]) {
    assert(Array.isArray(ids) && ids.every(Number.isSafeInteger), `a membership entry names no list of nodes: ${ids}`);
  }
  return parsed;
}

/** The configurations in the log, newest last. A node uses the newest one it has, committed or not (thesis §4.1). */
export class MembershipHistory {
  #changes: { readonly index: LogIndex; readonly membership: Membership }[];

  constructor(index: LogIndex, membership: Membership) {
    this.#changes = [{ index, membership }];
  }

  get current(): Membership {
    return this.#changes[this.#changes.length - 1]!.membership;
  }

  /** What was in force before the current one, if that is still known. */
  get previous(): Membership | null {
    return this.#changes[this.#changes.length - 2]?.membership ?? null;
  }

  /** Index of the entry that holds the current configuration. */
  get index(): LogIndex {
    return this.#changes[this.#changes.length - 1]!.index;
  }

  append(index: LogIndex, membership: Membership): void {
    assert(index > this.index, `membership at ${index} after ${this.index}`);
    this.#changes.push({ index, membership });
  }

  /** Goes back to what was in force before `index`; says whether that changed anything. */
  truncateFrom(index: LogIndex): boolean {
    const before = this.#changes.length;
    while (this.#changes.length > 1 && this.index >= index) this.#changes.pop();
    return this.#changes.length !== before;
  }

  /** In force once everything up to `index` is in the log; `index` is not below the last `compactTo`. */
  at(index: LogIndex): Membership {
    for (let i = this.#changes.length - 1; i > 0; i--) {
      const change = this.#changes[i]!;
      if (change.index <= index) return change.membership;
    }
    return this.#changes[0]!.membership;
  }

  /** Forgets what was replaced at or before `index`. */
  compactTo(index: LogIndex): void {
    while (this.#changes.length > 1 && this.#changes[1]!.index <= index) this.#changes.shift();
  }

  reset(index: LogIndex, membership: Membership): void {
    this.#changes = [{ index, membership }];
  }
}
