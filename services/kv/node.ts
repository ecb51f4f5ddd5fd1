import { randomUUIDv7 } from 'node:crypto';
import { ServiceError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Metrics } from '../../kit/metrics.ts';
import type {
  Consistency,
  EntryPage,
  KVEntry,
  KvNodeApi,
  LeadershipTransfer,
  ListQuery,
  MembershipResult,
  NodeStatus,
  RaftHealth,
  RequestOptions,
  ResyncAccepted,
  ResyncStats,
  SyncStatus,
} from './api.ts';
import type { KvConfig } from './config.ts';
import type { MembershipChange, NodeId } from './core/raft/types.ts';
import { ByteWriter } from './core/store/bytes.ts';
import { type Command, encodeCommand } from './core/store/command.ts';
import type { KvStore } from './core/store/store.ts';
import type { ApplyResult } from './core/store/types.ts';
import { ClusterNode, type ClusterNodeParts } from './driver/cluster-node.ts';
import { type NodeClock, UNDECORATED } from './driver/decorators.ts';
import { describeMembers } from './driver/members.ts';
import { raftHealthOf } from './driver/views.ts';
import { createKvMetrics, type KvMetrics } from './metrics.ts';

export interface KvNodeParts extends Pick<ClusterNodeParts, 'disk' | 'diskReserveBytes' | 'decorators'> {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly version: string;
  /** Called once when the node cannot go on: the message is for a person, the process should end. */
  readonly onFailure: (error: Error) => void;
}

/** What differs between the commands; the rest is the same for all. */
type Change =
  | { readonly type: 'create'; readonly id: string; readonly key: string; readonly value: string }
  | { readonly type: 'update'; readonly id: string; readonly key?: string; readonly value?: string }
  | { readonly type: 'delete'; readonly id: string };

/** Milliseconds that a node which has just found a leader waits for its first confirmed read before it asks again. */
const CATCH_UP_MS = 2000;

/** A node of the key-value store: the requests of clients, on top of Raft. */
export class KvNode implements KvNodeApi {
  readonly #cluster: ClusterNode;
  readonly #config: KvConfig;
  readonly #metrics: KvMetrics;
  readonly #version: string;
  readonly #clock: NodeClock;
  readonly #startedMs = performance.now();
  readonly #writer = new ByteWriter();
  #caughtUp = false;

  private constructor(cluster: ClusterNode, config: KvConfig, metrics: KvMetrics, parts: KvNodeParts) {
    this.#cluster = cluster;
    this.#config = config;
    this.#metrics = metrics;
    this.#version = parts.version;
    this.#clock = (parts.decorators ?? UNDECORATED).clock;
  }

  /**
   * Opens the data directory and the listener for peers. The node enters its cluster in the background: `ready` tells when.
   * @throws DataDirectoryError StorageCorruptError CertificateError, and listen errors
   */
  static async open(config: KvConfig, parts: KvNodeParts): Promise<KvNode> {
    const { metrics: registry, version: _, ...rest } = parts;
    const metrics = createKvMetrics(registry);
    const cluster = await ClusterNode.open(config, { ...rest, metrics });
    const node = new KvNode(cluster, config, metrics, parts);
    void node.#catchUp();
    return node;
  }

  close(): Promise<void> {
    return this.#cluster.close();
  }

  async create(input: { readonly key: string; readonly value: string }, options: RequestOptions): Promise<KVEntry> {
    const { entry } = await this.#change({ type: 'create', id: randomUUIDv7(), ...input }, options);
    return entry!;
  }

  async update(
    id: string,
    input: { readonly key?: string; readonly value?: string },
    options: RequestOptions,
  ): Promise<KVEntry> {
    const { entry } = await this.#change({ type: 'update', id, ...input }, options);
    return entry!;
  }

  async delete(id: string, options: RequestOptions): Promise<void> {
    await this.#change({ type: 'delete', id }, options);
  }

  async get(id: string, consistency: Consistency, options: RequestOptions): Promise<KVEntry> {
    const entry = (await this.#readable(consistency, options)).get(id);
    if (entry === undefined) throw notFound(id);
    return entry;
  }

  async list({ key, ...query }: ListQuery, consistency: Consistency, options: RequestOptions): Promise<EntryPage> {
    const store = await this.#readable(consistency, options);
    return key === undefined ? store.list(query) : store.findByKey(key, query);
  }

  status(): NodeStatus {
    const member = this.#cluster.member;
    const raft = member?.status();
    const members = member === null ? [] : describeMembers(member.membership);
    const leader = raft?.leader ?? null;
    const { index = 0, hash = '' } = member?.checkpoints.latest ?? {};
    return {
      node_id: this.#config.nodeId,
      role: raft?.role ?? 'follower',
      is_leader: raft?.role === 'leader',
      leader_id: leader,
      leader_url: members.find(({ node_id }) => node_id === leader)?.url ?? null,
      term: raft?.term ?? 0,
      commit_index: raft?.commitIndex ?? 0,
      applied_index: member?.appliedIndex ?? 0,
      last_index: raft?.lastIndex ?? 0,
      entries: member?.kv.size ?? 0,
      state_hash: member?.kv.hash() ?? '0'.repeat(16),
      checkpoint: { index, hash },
      uptime_seconds: Math.round(performance.now() - this.#startedMs) / 1000,
      version: this.#version,
      members,
    };
  }

  raftHealth(): RaftHealth {
    const { member, transport } = this.#cluster;
    if (member === null) return this.#healthOfNoMember();
    return raftHealthOf(member.status(), member.appliedIndex, this.#config.tickMs, {
      connected: (peer) => transport.connected(peer),
      heardAgoMs: (peer) => member.heardAgoMs(peer),
    });
  }

  syncStatus(options: RequestOptions): Promise<SyncStatus> {
    return this.#cluster.calls.ask('sync-status', {}, options);
  }

  resyncStats(): ResyncStats {
    return { ...this.#cluster.journal.stats(), force_resyncs: this.#cluster.duties?.forceResyncs ?? 0 };
  }

  forceResync(target: string, options: RequestOptions): Promise<ResyncAccepted> {
    return this.#cluster.calls.ask('force-resync', { target }, options);
  }

  transferLeadership(to: NodeId | null, options: RequestOptions): Promise<LeadershipTransfer> {
    return this.#cluster.calls.ask('transfer-leadership', { to }, options);
  }

  changeMembership(change: MembershipChange, options: RequestOptions): Promise<MembershipResult> {
    return this.#cluster.calls.ask('change-membership', { change }, options);
  }

  ready(): { readonly ready: boolean; readonly reason?: string } {
    const { member, closing, waitingFor } = this.#cluster;
    if (closing) return { ready: false, reason: 'shutting down' };
    if (member === null) return { ready: false, reason: waitingFor };
    if (member.leader === null) return { ready: false, reason: 'no leader is known' };
    if (this.#cluster.space.stuck) return { ready: false, reason: 'the disk is full: the log cannot be written' };
    return this.#caughtUp
      ? { ready: true }
      : { ready: false, reason: 'catching up with what was committed before the start' };
  }

  /** A first linearizable read has seen all that was committed before this node started. */
  async #catchUp(): Promise<void> {
    while (!this.#caughtUp && !this.#cluster.closing) {
      try {
        const deadlineMs = performance.now() + CATCH_UP_MS;
        await (await this.#cluster.running(deadlineMs)).confirmRead(deadlineMs);
        this.#caughtUp = true;
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
      }
    }
  }

  async #readable(consistency: Consistency, { deadlineMs }: RequestOptions): Promise<KvStore> {
    this.#refuseWhenClosing();
    const member = this.#cluster.member ?? (await this.#cluster.running(deadlineMs));
    if (consistency === 'linearizable') await member.confirmRead(deadlineMs);
    return member.kv;
  }

  async #change(change: Change, options: RequestOptions): Promise<ApplyResult> {
    this.#refuseWhenClosing();
    if (this.#cluster.space.full) throw storageFull();
    const member = this.#cluster.member ?? (await this.#cluster.running(options.deadlineMs));
    const { idempotencyKey } = options;
    const timestampMs = this.#clock.wallMs();
    const encode = (requestId: string) => {
      const request = { requestId, timestampMs, sourceNode: this.#config.nodeId };
      const command: Command = { ...request, ...(idempotencyKey === undefined ? {} : { idempotencyKey }), ...change };
      return encodeCommand(command, this.#writer);
    };
    return this.#judge(change.id, await member.write(encode, options));
  }

  #judge(id: string, result: ApplyResult): ApplyResult {
    if (result.replayed) this.#metrics.store.idempotentReplays.inc();
    if (result.outcome === 'notFound') throw notFound(id);
    if (result.outcome === 'keyReused') {
      throw new ServiceError(
        'IDEMPOTENCY_KEY_REUSED',
        'this Idempotency-Key belongs to another request: give each request its own',
      );
    }
    return result;
  }

  #refuseWhenClosing(): void {
    if (this.#cluster.closing)
      throw new ServiceError('SHUTTING_DOWN', 'this node is shutting down', { definite: true });
  }

  #healthOfNoMember(): RaftHealth {
    return {
      status: 'unavailable',
      node_id: this.#config.nodeId,
      role: 'follower',
      term: 0,
      commit_index: 0,
      applied_index: 0,
      leader_id: null,
      has_quorum: false,
      peers: [],
    };
  }
}

function notFound(id: string): ServiceError {
  return new ServiceError('NOT_FOUND', `there is no entry ${id}`);
}

function storageFull(): ServiceError {
  const message = 'the disk of this node is full: nothing was written. Free some space, or write to another node';
  return new ServiceError('STORAGE_FULL', message, { definite: true });
}
