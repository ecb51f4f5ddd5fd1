import { clientAddress } from '../addresses.ts';
import type { FollowerState, FollowerSync, PeerHealth, RaftHealth, SyncStatus } from '../api.ts';
import { isQuorum } from '../core/raft/membership.ts';
import type { Membership, NodeId, Progress, RaftStatus } from '../core/raft/types.ts';
import { memberRecords } from './members.ts';

/** A follower that lacks more than this many entries is called lagging: more than the pipeline holds under usual load. */
const LAG_ENTRIES_MAX = 256;

function followerState(progress: Progress, lastIndex: number): FollowerState {
  if (!progress.active) return 'desynced';
  if (progress.state === 'snapshot') return 'snapshotting';
  return lastIndex - progress.matchIndex > LAG_ENTRIES_MAX ? 'lagging' : 'healthy';
}

/** `GET /_raft/sync-status`, at the leader. */
export function syncStatusOf(status: RaftStatus, tickMs: number): SyncStatus {
  const records = memberRecords(status.membership);
  const followers = status.progress.map((progress): FollowerSync => {
    const record = records.get(progress.node);
    const { snapshot } = progress;
    return {
      node_id: progress.node,
      address: record === undefined ? '' : clientAddress(record),
      status: followerState(progress, status.lastIndex),
      last_replicated_index: progress.matchIndex,
      lag: Math.max(0, status.lastIndex - progress.matchIndex),
      last_contact_ms: progress.ticksSinceHeard * tickMs,
      consecutive_failures: progress.failures,
      ...(snapshot === null
        ? {}
        : { snapshot: { index: snapshot.index, bytes_sent: snapshot.offset, bytes_total: snapshot.size } }),
    };
  });
  const { term, commitIndex, lastIndex } = status;
  return { leader_id: status.id, term, commit_index: commitIndex, last_index: lastIndex, followers };
}

/** How a node that does not lead judges its peers. */
export interface PeerContact {
  connected(peer: NodeId): boolean;
  heardAgoMs(peer: NodeId): number | null;
}

/** `GET /_raft/health`. */
export function raftHealthOf(
  status: RaftStatus,
  appliedIndex: number,
  tickMs: number,
  contact: PeerContact,
): RaftHealth {
  const peers = peersOf(status, tickMs, contact);
  const hasQuorum = status.role === 'leader' ? leaderHasQuorum(status) : status.leader !== null;
  const allReachable = peers.every(({ reachable }) => reachable);
  return {
    status: hasQuorum ? (allReachable ? 'healthy' : 'degraded') : 'unavailable',
    node_id: status.id,
    role: status.role,
    term: status.term,
    commit_index: status.commitIndex,
    applied_index: appliedIndex,
    leader_id: status.leader,
    has_quorum: hasQuorum,
    peers,
  };
}

function leaderHasQuorum({ id, membership, progress }: RaftStatus): boolean {
  return isQuorum(membership, (node) => node === id || progress.some((it) => it.node === node && it.active));
}

function peersOf(status: RaftStatus, tickMs: number, contact: PeerContact): PeerHealth[] {
  const peers: PeerHealth[] = [];
  for (const [node, record] of memberRecords(status.membership)) {
    if (node === status.id) continue;
    const progress = status.progress.find((it) => it.node === node);
    const heard =
      progress === undefined
        ? { reachable: contact.connected(node), last_contact_ms: contact.heardAgoMs(node) }
        : { reachable: progress.active, last_contact_ms: progress.ticksSinceHeard * tickMs };
    peers.push({ node_id: node, address: clientAddress(record), ...heard });
  }
  return peers;
}

/** The best node to lead after this one: an active voter that lacks least. Null when there is none. */
export function bestSuccessor(status: RaftStatus, usable: (node: NodeId) => boolean): NodeId | null {
  const candidates = status.progress.filter(({ active, learner, node }) => active && !learner && usable(node));
  candidates.sort((a, b) => b.matchIndex - a.matchIndex);
  return candidates[0]?.node ?? null;
}

/** Voters other than `node` that have its client address: a dead member in whose place it came. */
export function replacedBy(membership: Membership, node: NodeId): NodeId[] {
  const records = memberRecords(membership);
  const own = records.get(node);
  if (own === undefined) return [];
  const same = [...records].filter(([id, record]) => id !== node && clientAddress(record) === clientAddress(own));
  return same.map(([id]) => id);
}
