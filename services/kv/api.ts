/**
 * What the HTTP application asks of a node (`KvNodeApi`, implemented by the driver), and the JSON shapes of its answers.
 * Source: requirements/lithair-replication-stress.md, "API Endpoints" and "KVEntry Model".
 *
 * Expected failures are `ServiceError`s (kit/errors.ts): NOT_FOUND, IDEMPOTENCY_KEY_REUSED, NO_QUORUM, TIMEOUT, OVERLOADED, STORAGE_FULL,
 * SHUTTING_DOWN, VALIDATION, CONFLICT. `definite` is true only when the operation certainly never takes effect.
 */
import type { MembershipChange, NodeId, Role } from './core/raft/types.ts';

/** One entry, exactly as it appears in JSON. */
export interface KVEntry {
  /** UUID v7, made by the node that received the create. */
  readonly id: string;
  readonly key: string;
  readonly value: string;
  /** Log index of the last change: later changes have greater numbers. */
  readonly seq: number;
  /** The node that received the create. */
  readonly source_node: NodeId;
  /** RFC 3339, UTC, milliseconds: `2026-01-31T12:00:00.000Z`. */
  readonly created_at: string;
}

/** `linearizable`: confirmed by a majority (ReadIndex). `stale`: whatever this node has applied, without asking anybody. */
export type Consistency = 'linearizable' | 'stale';

export interface RequestOptions {
  /** When to give up: milliseconds on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  /** 1–128 printable ASCII characters; a repeat of the same request returns the first answer. */
  readonly idempotencyKey?: string;
}

export interface ListQuery {
  /** 1–10,000. */
  readonly limit: number;
  /** The id that ended the previous page. */
  readonly after?: string;
  /** Only entries with exactly this key. */
  readonly key?: string;
}

/** Entries in ascending order of id. `next` is set when there are more: the value of `after` for the next page. */
export interface EntryPage {
  readonly entries: readonly KVEntry[];
  readonly next?: string;
}

export interface Member {
  readonly node_id: NodeId;
  /** `host:port` that clients talk to. */
  readonly address: string;
  readonly url: string;
  readonly kind: 'voter' | 'learner';
}

/** `GET /status`. */
export interface NodeStatus {
  readonly node_id: NodeId;
  readonly role: Role;
  readonly is_leader: boolean;
  readonly leader_id: NodeId | null;
  readonly leader_url: string | null;
  readonly term: number;
  readonly commit_index: number;
  readonly applied_index: number;
  readonly last_index: number;
  /** Number of entries in the store. */
  readonly entries: number;
  /** 16 hexadecimal digits over the whole replicated state; equal on all nodes that have applied the same index. */
  readonly state_hash: string;
  /** The newest index at which every node takes the hash of its state; `index` 0 before the first one. */
  readonly checkpoint: { readonly index: number; readonly hash: string };
  readonly uptime_seconds: number;
  readonly version: string;
  readonly members: readonly Member[];
}

export interface PeerHealth {
  readonly node_id: NodeId;
  readonly address: string;
  /** Heard from within an election time-out. Only a leader hears from everybody; elsewhere it says whether the connection stands. */
  readonly reachable: boolean;
  readonly last_contact_ms: number | null;
}

/** `GET /_raft/health`. */
export interface RaftHealth {
  /** `healthy`: a leader is known and this node takes part; `degraded`: some peer is missing; `unavailable`: no leader or no quorum. */
  readonly status: 'healthy' | 'degraded' | 'unavailable';
  readonly node_id: NodeId;
  readonly role: Role;
  readonly term: number;
  readonly commit_index: number;
  readonly applied_index: number;
  readonly leader_id: NodeId | null;
  readonly has_quorum: boolean;
  readonly peers: readonly PeerHealth[];
}

export type FollowerState = 'healthy' | 'lagging' | 'desynced' | 'snapshotting';

export interface FollowerSync {
  readonly node_id: NodeId;
  readonly address: string;
  readonly status: FollowerState;
  readonly last_replicated_index: number;
  /** Entries that the leader has and the follower does not. */
  readonly lag: number;
  readonly last_contact_ms: number | null;
  readonly consecutive_failures: number;
  /** Present while a snapshot travels. */
  readonly snapshot?: { readonly index: number; readonly bytes_sent: number; readonly bytes_total: number };
}

/** `GET /_raft/sync-status`: as the leader sees it; a follower asks the leader. */
export interface SyncStatus {
  readonly leader_id: NodeId;
  readonly term: number;
  readonly commit_index: number;
  readonly last_index: number;
  readonly followers: readonly FollowerSync[];
}

/** `GET /_raft/resync_stats`: counted by this node since it started. */
export interface ResyncStats {
  readonly snapshots_created: number;
  readonly snapshots_sent: number;
  readonly snapshots_received: number;
  readonly snapshot_bytes_sent: number;
  readonly snapshot_bytes_received: number;
  /** RFC 3339, or null when there was none. */
  readonly last_resync_at: string | null;
  readonly force_resyncs: number;
}

/** `POST /_raft/force-resync?target=ADDR`, answered with 202: the snapshot is on its way, `sync-status` shows how far. */
export interface ResyncAccepted {
  readonly target: string;
  readonly node_id: NodeId;
  readonly leader_id: NodeId;
  readonly snapshot_index: number;
}

export interface LeadershipTransfer {
  readonly leader_id: NodeId;
  readonly term: number;
}

export interface MembershipResult {
  readonly members: readonly Member[];
}

/** A running node. Every method that waits gives up at its deadline. */
export interface KvNodeApi {
  create(input: { readonly key: string; readonly value: string }, options: RequestOptions): Promise<KVEntry>;
  /** At least one of key and value is given. NOT_FOUND when there is no such entry. */
  update(
    id: string,
    input: { readonly key?: string; readonly value?: string },
    options: RequestOptions,
  ): Promise<KVEntry>;
  /** NOT_FOUND when there is no such entry. */
  delete(id: string, options: RequestOptions): Promise<void>;
  get(id: string, consistency: Consistency, options: RequestOptions): Promise<KVEntry>;
  list(query: ListQuery, consistency: Consistency, options: RequestOptions): Promise<EntryPage>;
  status(): NodeStatus;
  raftHealth(): RaftHealth;
  syncStatus(options: RequestOptions): Promise<SyncStatus>;
  resyncStats(): ResyncStats;
  /** @param target a follower's `host:port`. NOT_FOUND when no follower has that address. */
  forceResync(target: string, options: RequestOptions): Promise<ResyncAccepted>;
  /** Resolves once another node leads. @param to null lets the leader choose. */
  transferLeadership(to: NodeId | null, options: RequestOptions): Promise<LeadershipTransfer>;
  changeMembership(change: MembershipChange, options: RequestOptions): Promise<MembershipResult>;
  /** Whether clients can be served now: a leader is known, and what was committed at the start has been applied. */
  ready(): { readonly ready: boolean; readonly reason?: string };
}
