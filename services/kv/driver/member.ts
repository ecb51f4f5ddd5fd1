import { type ErrorCode, ServiceError } from '../../../kit/errors.ts';
import type { Logger } from '../../../kit/logger.ts';
import { Prng } from '../../../kit/prng.ts';
import type { RequestOptions } from '../api.ts';
import { Raft } from '../core/raft/raft.ts';
import type {
  Input,
  LogIndex,
  Membership,
  Message,
  NodeId,
  RaftConfig,
  RaftEvent,
  RaftStatus,
  RefusalReason,
  Term,
} from '../core/raft/types.ts';
import type { KvStore } from '../core/store/store.ts';
import type { ApplyResult } from '../core/store/types.ts';
import { countMessages, type KvMetrics } from '../metrics.ts';
import { StorageCorruptError } from '../storage/errors.ts';
import type { Storage } from '../storage/storage.ts';
import type { Frame, SenderState } from '../transport/frame.ts';
import type { Transport } from '../transport/transport.ts';
import { Applier } from './applier.ts';
import { Checkpoints } from './checkpoints.ts';
import type { Decorators } from './decorators.ts';
import type { DiskSpace } from './disk-space.ts';
import { DurabilityAudit } from './durability-audit.ts';
import { Engine } from './engine.ts';
import { Persister } from './persister.ts';
import type { RaftJournal } from './raft-journal.ts';
import { Reads } from './reads.ts';
import { ReplicatedStore } from './replicated-store.ts';
import { Snapshotting } from './snapshotting.ts';
import { Writes } from './writes.ts';

export interface MemberOptions {
  readonly raft: Omit<RaftConfig, 'id' | 'incarnation' | 'membership'>;
  readonly membership: Membership;
  readonly snapshotEntries: number;
  readonly snapshotBytes: number;
  /** For the randomised election time-outs. */
  readonly seed: number;
  readonly now: () => number;
}

export interface MemberParts {
  readonly storage: Storage;
  readonly transport: Pick<Transport, 'send'>;
  readonly space: DiskSpace;
  readonly metrics: KvMetrics;
  readonly logger: Logger;
  readonly journal: RaftJournal;
  readonly decorators: Pick<Decorators, 'log' | 'stateMachine' | 'writeEvents'>;
  readonly onMembership: (membership: Membership) => void;
  /** See `EngineOutputs.rested`. */
  readonly rested: () => number;
  /** Raft has seen something; how long this node may sleep can have changed. */
  readonly onTurn: () => void;
  /** The node cannot go on. */
  readonly onFailure: (error: Error) => void;
}

/** Where an entry stands in the log of the leader that took it. */
export interface LogPlace {
  readonly index: LogIndex;
  readonly term: Term;
}

/** A stuck leader has so long to hand over before it stands still. */
const HAND_OVER_MS = 1000;

/**
 * One running participant in Raft: the core, its disk, its peers, the store, and the requests that wait for it. Everything happens on
 * one event loop; order is kept by the engine (messages and disk) and the applier (state).
 */
export class Member {
  readonly store: ReplicatedStore;
  readonly checkpoints: Checkpoints;
  readonly snapshotting: Snapshotting;
  readonly #parts: MemberParts;
  readonly #now: () => number;
  readonly #nodeId: NodeId;
  readonly #engine: Engine;
  readonly #applier: Applier;
  readonly #persister: Persister;
  readonly #writes: Writes<ApplyResult>;
  readonly #reads: Reads;
  readonly #audit: DurabilityAudit;
  readonly #changes = new Map<string, PromiseWithResolvers<LogPlace | RefusalReason>>();
  /** What Raft has not looked at yet: at the end of its turn, what was not refused has begun. */
  readonly #orders = new Map<string, PromiseWithResolvers<RefusalReason | null>>();
  readonly #storageFull = new Set<NodeId>();
  readonly #heardMs = new Map<NodeId, number>();
  #changeSequence = 0;
  #leader: NodeId | null = null;
  #membership: Membership;
  #stuckSinceMs: number | null = null;

  private constructor(options: MemberOptions, parts: MemberParts) {
    const { storage, metrics } = parts;
    const { identity, restored, wal, snapshots } = storage;
    this.#parts = parts;
    this.#now = options.now;
    this.#nodeId = identity.nodeId;
    const config = {
      ...options.raft,
      id: identity.nodeId,
      incarnation: identity.incarnation,
      membership: options.membership,
    };
    const raft = new Raft(config, restored, new Prng(options.seed));
    const prefix = `${identity.nodeId}.${identity.incarnation}`;
    this.#engine = new Engine(raft, this.#engineOutputs());
    this.checkpoints = new Checkpoints(this.#checkpointEvents());
    this.store = new ReplicatedStore(identity.nodeId, snapshots, this.checkpoints, {
      applied: (entry, result) => {
        this.#writes.applied(entry.index, entry.term, result?.requestId ?? null, result);
        this.snapshotting.applied(entry.data.length);
      },
    });
    this.#applier = new Applier(
      parts.decorators.stateMachine(this.store),
      { applied: (index) => this.#applied(index), failed: parts.onFailure },
      restored?.snapshot?.index ?? 0,
    );
    this.#persister = new Persister(parts.decorators.log(wal), snapshots, this.#persisterEvents());
    const durableIndex = () => Math.max(wal.durableIndex(), snapshots.latest?.index ?? 0);
    this.#audit = new DurabilityAudit(identity.nodeId, durableIndex, () => this.#membership);
    this.#membership = raft.status().membership;
    this.#writes = new Writes(this.#proposer(), parts.decorators.writeEvents(this.#writeEvents()), prefix, options.now);
    this.#reads = new Reads(
      {
        read: (id) => this.#engine.read(id),
        leaderKnown: () => this.#leader !== null,
        appliedIndex: () => this.appliedIndex,
      },
      (seconds) => metrics.raft.readIndexDuration.observe(seconds),
      prefix,
      options.now,
    );
    this.snapshotting = this.#createSnapshotting(options);
  }

  /** Loads the newest snapshot and starts. @throws StorageCorruptError */
  static async start(options: MemberOptions, parts: MemberParts): Promise<Member> {
    const member = new Member(options, parts);
    const { latest } = parts.storage.snapshots;
    if (latest !== null) await member.store.restore(latest);
    return member;
  }

  get appliedIndex(): LogIndex {
    return this.#applier.appliedIndex;
  }

  status(): RaftStatus {
    return this.#engine.status();
  }

  get membership(): Membership {
    return this.#membership;
  }

  get leader(): NodeId | null {
    return this.#leader;
  }

  get kv(): KvStore {
    return this.store.current;
  }

  /** Milliseconds since a frame of this peer came in, or null. */
  heardAgoMs(peer: NodeId): number | null {
    const at = this.#heardMs.get(peer);
    return at === undefined ? null : Math.round(this.#now() - at);
  }

  reportsFullStorage(peer: NodeId): boolean {
    return this.#storageFull.has(peer);
  }

  /** Replicates a command and resolves with its result. @throws ServiceError */
  write(encode: (requestId: string) => Uint8Array, options: RequestOptions): Promise<ApplyResult> {
    return this.#writes.submit(encode, options);
  }

  /** Resolves when the local state is linearizable as of the call. @throws ServiceError */
  confirmRead(deadlineMs: number): Promise<void> {
    return this.#reads.confirm(deadlineMs);
  }

  /** Begins to hand leadership over, if that can be. */
  handOver(to: NodeId): void {
    this.#engine.input({ type: 'transferLeadership', to });
  }

  /** Resolves when Raft has looked at it: with why it cannot be begun, or null. @throws ServiceError SHUTTING_DOWN */
  order(order: {
    readonly type: 'transferLeadership' | 'forceSnapshot';
    readonly to: NodeId;
  }): Promise<RefusalReason | null> {
    const id = `order-${++this.#changeSequence}`;
    const answer = Promise.withResolvers<RefusalReason | null>();
    this.#orders.set(id, answer);
    this.#engine.input({ ...order, id });
    return answer.promise;
  }

  /** Term of the log's entry at `index`, or null when it is not there. */
  termAt(index: LogIndex): Term | null {
    return this.#engine.termAt(index);
  }

  /** Resolves with the place of the change in the log, or with why it was refused. @throws ServiceError SHUTTING_DOWN */
  changeMembership(change: Extract<Input, { type: 'changeMembership' }>['change']): Promise<LogPlace | RefusalReason> {
    const id = `change-${++this.#changeSequence}`;
    const answer = Promise.withResolvers<LogPlace | RefusalReason>();
    this.#changes.set(id, answer);
    this.#engine.input({ type: 'changeMembership', id, change });
    return answer.promise;
  }

  receive(frame: Frame): void {
    const { from, sender, messages } = frame;
    this.#heardMs.set(from, this.#now());
    countMessages(this.#parts.metrics.raft.messagesReceived, messages);
    this.#audit.report(from, sender.durableIndex, sender.quorumDurableIndex);
    if (sender.storageFull) this.#storageFull.add(from);
    else this.#storageFull.delete(from);
    if (sender.checkpoint !== null) this.checkpoints.received(from, sender.checkpoint);
    if (this.#standsStill()) return;
    for (const message of messages) this.#receiveMessage(message);
  }

  senderState(to: NodeId): SenderState {
    return {
      durableIndex: this.#audit.durableIndex,
      quorumDurableIndex: this.#audit.quorumDurableIndex(),
      storageFull: this.#parts.space.full,
      checkpoint: this.checkpoints.forPeer(to),
    };
  }

  unreachable(node: NodeId): void {
    this.#engine.input({ type: 'unreachable', node });
  }

  /** Answers whose time is up, and asks again for what was lost. */
  lookAtDeadlines(): void {
    if (this.#standsStill()) {
      this.#abandon('STORAGE_FULL', 'the disk of this node is full, so it cannot follow the others: ask another node');
    }
    this.#writes.tick();
    this.#reads.tick();
  }

  /** Time has passed: one tick of Raft's. */
  tick(): void {
    if (!this.#standsStill()) this.#engine.tick();
  }

  /** How many ticks this node may sleep through; 1 while anybody waits for something. */
  get restTicks(): number {
    const waits = this.#writes.size > 0 || !this.#reads.isIdle || this.#changes.size > 0 || this.#orders.size > 0;
    return waits || this.#stuckSinceMs !== null ? 1 : this.#engine.ticksUntilDue();
  }

  /** Tells the peers the hash of the present state, if it is new. */
  offerCheckpoint(): void {
    if (!this.checkpoints.offerNow()) return;
    for (const id of Object.keys(this.#membership.addresses)) {
      if (Number(id) !== this.#nodeId) this.#parts.transport.send(Number(id), []);
    }
  }

  /** Answers everybody who waits; nothing is sent, confirmed or applied any more. */
  stop(): void {
    this.#abandon('SHUTTING_DOWN', 'this node is shutting down');
    for (const { reject } of [...this.#changes.values(), ...this.#orders.values()]) {
      reject(new ServiceError('SHUTTING_DOWN', 'this node is shutting down', { definite: false }));
    }
    this.#changes.clear();
    this.#orders.clear();
    this.#applier.stop();
    this.#engine.stop();
  }

  /** Stops, and makes durable what was begun. The storage is closed by its owner. */
  async close(): Promise<void> {
    this.stop();
    await this.#persister.close();
    await this.snapshotting.close();
  }

  #abandon(code: ErrorCode, message: string): void {
    this.#writes.abandon(code, message);
    this.#reads.abandon(code, message);
  }

  /** With a log that cannot be written this node is as good as gone: it falls silent, so that the others go on without it. */
  #standsStill(): boolean {
    const since = this.#stuckSinceMs;
    if (since === null) return false;
    return this.#leader !== this.#nodeId || this.#now() - since > HAND_OVER_MS;
  }

  /** A leader that has no space for writes refuses those of others too; its own are refused before they get here. */
  #receiveMessage(message: Message): void {
    if (message.type === 'forwardProposals' && this.#leader === this.#nodeId && this.#parts.space.full) {
      this.#engine.input({ type: 'refuseForwarded', message, reason: 'overloaded' });
      return;
    }
    this.#engine.input({ type: 'message', message });
  }

  #applied(index: LogIndex): void {
    this.#engine.input({ type: 'applied', index });
    this.#reads.applied(index);
    this.snapshotting.consider();
  }

  #createSnapshotting(options: MemberOptions): Snapshotting {
    const { storage, journal, logger, onFailure } = this.#parts;
    return new Snapshotting(
      storage.wal,
      storage.snapshots,
      { meta: () => this.#engine.snapshotMeta(this.appliedIndex), chunks: () => this.kv.snapshot() },
      {
        stored: (snapshot) => {
          journal.snapshotCreated(snapshot.index, snapshot.size);
          this.#engine.input({ type: 'snapshotStored', snapshot });
        },
        postponed: (error) => logger.warn({ err: error }, 'no space for a snapshot: the log stays as it is'),
        failed: onFailure,
      },
      { entries: options.snapshotEntries, bytes: options.snapshotBytes },
    );
  }

  #engineOutputs(): ConstructorParameters<typeof Engine>[1] {
    return {
      send: (to, messages) => this.#parts.transport.send(to, messages),
      persist: (records) => this.#persister.push(...records),
      commit: (entries) => this.#applier.commit(entries),
      restore: (snapshot) => {
        this.#writes.restored();
        this.#applier.restore(snapshot);
      },
      readConfirmed: (id, index) => this.#reads.readConfirmed(id, index),
      accepted: (id, index, term) => void this.#answerChange(id, { index, term }),
      placed: (ids, term) => {
        for (const id of ids) this.#writes.placed(id, term);
      },
      refused: (id, reason) => {
        this.#orders.get(id)?.resolve(reason);
        if (this.#orders.delete(id) || this.#answerChange(id, reason)) return;
        this.#writes.refused(id, reason);
        this.#reads.refused(id);
      },
      snapshotRead: (to, index, offset, length) => void this.#readSnapshot(to, index, offset, length),
      event: (event) => this.#event(event),
      rested: () => this.#parts.rested(),
      turned: () => {
        this.#reads.turned();
        for (const { resolve } of this.#orders.values()) resolve(null);
        this.#orders.clear();
        this.#parts.onTurn();
      },
      failed: this.#parts.onFailure,
    };
  }

  #persisterEvents(): ConstructorParameters<typeof Persister>[2] {
    const { metrics, logger, space, onFailure } = this.#parts;
    return {
      persisted: (number, messages) => {
        this.#engine.send(messages);
        this.#engine.input({ type: 'persisted', number });
      },
      synced: (records) => metrics.wal.recordsPerFsync.observe(records),
      diskFull: (full) => {
        space.stuck = full;
        this.#stuckSinceMs = full ? this.#now() : null;
        if (full) logger.error('the disk is full: this node takes no part until there is space');
        else logger.info('there is space again');
      },
      failed: onFailure,
    };
  }

  #checkpointEvents(): ConstructorParameters<typeof Checkpoints>[0] {
    const { metrics, logger } = this.#parts;
    return {
      compared: () => metrics.store.checkpointsCompared.inc(),
      diverged: (from, theirs, own) => {
        metrics.store.divergence.inc();
        logger.error(
          { peer: from, index: theirs.index, theirs: theirs.hash, own },
          'the state differs from that of a peer',
        );
      },
    };
  }

  #proposer(): ConstructorParameters<typeof Writes>[0] {
    return {
      propose: (proposal) => this.#engine.propose(proposal),
      withdraw: (id) => this.#engine.withdraw(id),
      leaderKnown: () => this.#leader !== null,
    };
  }

  #writeEvents(): ConstructorParameters<typeof Writes>[1] {
    const { raft, store } = this.#parts.metrics;
    return {
      acknowledged: (index, seconds) => {
        raft.proposals.inc({ outcome: 'committed' });
        raft.commitDuration.observe(seconds);
        store.acknowledged.inc();
        if (!this.#audit.isDurable(index)) store.acknowledgedBeforeSync.inc();
      },
      refused: () => raft.proposals.inc({ outcome: 'refused' }),
      timedOut: () => raft.proposals.inc({ outcome: 'timed_out' }),
    };
  }

  #answerChange(id: string, place: LogPlace | RefusalReason): boolean {
    // Nearly always: proposals come by here, too.
    if (this.#changes.size === 0) return false;
    const answer = this.#changes.get(id);
    this.#changes.delete(id);
    answer?.resolve(place);
    return answer !== undefined;
  }

  #event(event: RaftEvent): void {
    if (event.type === 'leaderChanged') {
      this.#leader = event.leader;
      this.#reads.leaderChanged();
    }
    if (event.type === 'membershipChanged') {
      this.#membership = event.membership;
      this.#parts.onMembership(event.membership);
    }
    if (event.type === 'compacted') this.snapshotting.compacted(event.index);
    this.#parts.journal.record(event);
  }

  async #readSnapshot(to: NodeId, index: LogIndex, offset: number, length: number): Promise<void> {
    try {
      const chunk = await this.#parts.storage.snapshots.read(index, offset, length);
      // Not there any more: the leader starts again with its newest one.
      if (chunk !== null) this.#engine.input({ type: 'snapshotChunk', to, index, offset, ...chunk });
    } catch (error) {
      if (error instanceof StorageCorruptError) this.#parts.onFailure(error);
      else
        this.#parts.logger.warn({ err: error, index }, 'a stored snapshot could not be read; the leader starts again');
    }
  }
}
