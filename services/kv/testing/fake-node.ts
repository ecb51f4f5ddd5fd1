import { ServiceError } from '../../../kit/errors.ts';
import type { Consistency, EntryPage, KVEntry, KvNodeApi, ListQuery, RequestOptions } from '../api.ts';
import type { MembershipChange, NodeId } from '../core/raft/types.ts';

export interface Call {
  readonly method: string;
  readonly input?: unknown;
  readonly consistency?: Consistency;
  readonly options?: RequestOptions;
}

/** A test double for the HTTP tests: one Map instead of a replicated log. Writes down each call; `fails` is thrown by the next. */
export class FakeNode implements KvNodeApi {
  readonly calls: Call[] = [];
  readonly #entries = new Map<string, KVEntry>();
  fails: Error | null = null;
  readiness: { ready: boolean; reason?: string } = { ready: true };

  #record(call: Call): void {
    this.calls.push(call);
    const failure = this.fails;
    this.fails = null;
    if (failure !== null) throw failure;
  }

  #find(id: string): KVEntry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new ServiceError('NOT_FOUND', `there is no entry ${id}`);
    return entry;
  }

  async create(input: { key: string; value: string }, options: RequestOptions): Promise<KVEntry> {
    this.#record({ method: 'create', input, options });
    const seq = this.#entries.size + 1;
    const id = `0190abcd-0000-7000-8000-${String(seq).padStart(12, '0')}`;
    const entry = { id, ...input, seq, source_node: 1, created_at: '2026-01-31T12:00:00.000Z' };
    this.#entries.set(id, entry);
    return entry;
  }

  async update(id: string, input: { key?: string; value?: string }, options: RequestOptions): Promise<KVEntry> {
    this.#record({ method: 'update', input: { id, ...input }, options });
    const entry = { ...this.#find(id), ...input, seq: 99 };
    this.#entries.set(id, entry);
    return entry;
  }

  async delete(id: string, options: RequestOptions): Promise<void> {
    this.#record({ method: 'delete', input: id, options });
    this.#find(id);
    this.#entries.delete(id);
  }

  async get(id: string, consistency: Consistency, options: RequestOptions): Promise<KVEntry> {
    this.#record({ method: 'get', input: id, consistency, options });
    return this.#find(id);
  }

  async list(query: ListQuery, consistency: Consistency, options: RequestOptions): Promise<EntryPage> {
    this.#record({ method: 'list', input: query, consistency, options });
    const { limit, after = '', key } = query;
    const all = [...this.#entries.values()].filter((entry) => entry.id > after && (key ?? entry.key) === entry.key);
    const entries = all.slice(0, limit);
    return all.length > limit ? { entries, next: entries.at(-1)!.id } : { entries };
  }

  status() {
    const member = { node_id: 1, address: '127.0.0.1:8081', url: 'http://127.0.0.1:8081', kind: 'voter' as const };
    return {
      node_id: 1,
      role: 'follower' as const,
      is_leader: false,
      leader_id: null,
      leader_url: null,
      term: 3,
      commit_index: 7,
      applied_index: 6,
      last_index: 8,
      entries: this.#entries.size,
      state_hash: '00000000000000ff',
      checkpoint: { index: 5, hash: '00000000000000fe' },
      uptime_seconds: 1.5,
      version: '0.1.0',
      members: [member],
    };
  }

  raftHealth() {
    const peers = [{ node_id: 0, address: '127.0.0.1:8080', reachable: false, last_contact_ms: null }];
    return {
      status: 'degraded' as const,
      node_id: 1,
      role: 'leader' as const,
      term: 3,
      commit_index: 7,
      applied_index: 6,
      leader_id: 1,
      has_quorum: true,
      peers,
    };
  }

  async syncStatus(options: RequestOptions) {
    this.#record({ method: 'syncStatus', options });
    const shared = { address: '127.0.0.1:8080', last_contact_ms: 12.7, consecutive_failures: 2 };
    return {
      leader_id: 1,
      term: 3,
      commit_index: 7,
      last_index: 8,
      followers: [
        { ...shared, node_id: 0, status: 'healthy' as const, last_replicated_index: 8, lag: 0 },
        {
          ...shared,
          node_id: 2,
          status: 'snapshotting' as const,
          last_replicated_index: 0,
          lag: 8,
          snapshot: { index: 5, bytes_sent: 10, bytes_total: 20 },
        },
      ],
    };
  }

  resyncStats() {
    return {
      snapshots_created: 1,
      snapshots_sent: 2,
      snapshots_received: 3,
      snapshot_bytes_sent: 4,
      snapshot_bytes_received: 5,
      last_resync_at: null,
      force_resyncs: 6,
    };
  }

  async forceResync(target: string, options: RequestOptions) {
    this.#record({ method: 'forceResync', input: target, options });
    return { target, node_id: 2, leader_id: 1, snapshot_index: 5 };
  }

  async transferLeadership(to: NodeId | null, options: RequestOptions) {
    this.#record({ method: 'transferLeadership', input: to, options });
    return { leader_id: to ?? 2, term: 4 };
  }

  async changeMembership(change: MembershipChange, options: RequestOptions) {
    this.#record({ method: 'changeMembership', input: change, options });
    return { members: this.status().members };
  }

  ready() {
    return this.readiness;
  }
}
