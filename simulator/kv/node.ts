import type { ServiceError } from '../../kit/errors.ts';
import type {
  Entry,
  Input,
  LogIndex,
  Membership,
  Message,
  NodeId,
  Output,
  Proposal,
  RaftEvent,
  Role,
  SnapshotMeta,
  Term,
} from '../../services/kv/core/raft/types.ts';
import type { ApplyResult, KVEntry } from '../../services/kv/core/store/types.ts';
import { Reads } from '../../services/kv/driver/reads.ts';
import { Writes } from '../../services/kv/driver/writes.ts';
import type { Machine, World } from '../world.ts';
import { LOG_FILE, SimulatedPersister, SNAPSHOT_FILE } from './persister.ts';
import { StoredLog, type StoredSnapshot } from './stored-log.ts';
import { TermTable } from './term-table.ts';
import type { Core, KvSetup, KvVariation, Store } from './types.ts';

/** The timers of a node. */
export const NodeTimer = { tick: 1, turn: 2, retry: 3, readSnapshot: 4 } as const;

/** As in the product: how often a full disk is tried again, and how long a stuck leader may hand over. */
const RETRY_US = 250_000;
const HAND_OVER_US = 1_000_000;
/** Reading a chunk of a stored snapshot. */
const READ_US = 200;

/** Makes what varies; see KvVariation. */
export interface NodeParts {
  readonly setup: KvSetup;
  readonly variation: KvVariation;
  readonly founders: Membership;
  makeCore(node: SimulatedNode, restored: Parameters<NonNullable<KvVariation['restored']>>[0]): Core;
  makeStore(chunks: Iterable<Uint8Array> | null): Store;
}

/** Told of all that a node does; throws when it must not. */
export interface NodeWatcher {
  started(node: SimulatedNode, found: Found): void;
  stepped(node: SimulatedNode, input: Input, output: Output): void;
  applied(node: SimulatedNode, entry: Entry, result: ApplyResult | null): void;
  /** All that became known as committed at once has been applied. */
  appliedAll(node: SimulatedNode): void;
  /** The state is that of a snapshot. */
  restored(node: SimulatedNode, snapshot: SnapshotMeta): void;
}

/** What a start found on the disk. */
export interface Found {
  readonly snapshot: StoredSnapshot | null;
  readonly entries: readonly Entry[];
  readonly tornBytes: number;
}

/**
 * One node of the cluster: the core, the store, the tables of those who wait, and its disk. It does what services/kv/driver does around
 * the same core, in virtual time.
 */
export class SimulatedNode {
  readonly id: NodeId;
  readonly stored: StoredLog;
  /** The log as the core has it in memory. */
  readonly log = new TermTable();
  readonly machine: Machine;
  incarnation = 0;
  /** Null while the node is down. */
  core: Core | null = null;
  store: Store;
  appliedIndex: LogIndex = 0;
  role: Role = 'follower';
  leader: NodeId | null = null;
  /** The term in which `leader` leads. */
  leaderTerm: Term = 0;
  membership: Membership;
  /** Ticks since the start. */
  ticks = 0;
  /** Damaged or empty: it does not start again. */
  isLost = false;
  stuckSinceUs: number | null = null;
  readonly #world: World<Message>;
  readonly #parts: NodeParts;
  readonly #watcher: NodeWatcher;
  #persister!: SimulatedPersister;
  #writes!: Writes<ApplyResult>;
  #reads!: Reads;
  #proposals: Proposal[] = [];
  #readIds: string[] = [];
  #turnIsDue = false;
  #inputs: Input[] = [];
  #isStepping = false;
  #entriesSinceSnapshot = 0;
  #snapshotUnderWay: StoredSnapshot | null = null;

  constructor(id: NodeId, world: World<Message>, parts: NodeParts, watcher: NodeWatcher) {
    this.id = id;
    this.#world = world;
    this.#parts = parts;
    this.#watcher = watcher;
    this.machine = world.machine(id);
    this.stored = new StoredLog(parts.setup.segmentRecords);
    this.store = parts.makeStore(null);
    this.membership = parts.founders;
  }

  get isUp(): boolean {
    return this.core !== null;
  }

  get nowMs(): number {
    return this.machine.clock.monotonic(this.#world.now) / 1000;
  }

  /** Nobody hears from it: its log cannot be written. */
  get standsStill(): boolean {
    const since = this.stuckSinceUs;
    return since !== null && (this.leader !== this.id || this.#world.now - since > HAND_OVER_US);
  }

  // Life and death

  /** Starts with what is on the disk. @throws StorageCorruptError */
  start(): void {
    const { setup, variation } = this.#parts;
    const isFirst = this.incarnation === 0;
    this.incarnation += 1;
    const found = this.stored.recover(setup.raft.entriesKeptAfterSnapshot);
    const onDisk = isFirst ? null : found.restored;
    const restored = variation.restored === undefined ? onDisk : variation.restored(onDisk, this.id);
    this.core = this.#parts.makeCore(this, restored);
    this.store = this.#parts.makeStore(found.snapshot === null ? null : [found.snapshot.data]);
    this.appliedIndex = found.snapshot?.meta.index ?? 0;
    const { role, leader, membership } = this.core.status();
    Object.assign(this, { role, leader, membership, ticks: 0, stuckSinceUs: null });
    this.#startTables();
    this.#world.started(this.id);
    this.#world.timer(this.id, setup.tickUs, NodeTimer.tick);
    this.#watcher.started(this, { ...found, entries: restored?.entries ?? [] });
    if (found.snapshot !== null) this.#watcher.restored(this, found.snapshot.meta);
  }

  #startTables(): void {
    const now = () => this.nowMs;
    const prefix = `${this.id}.${this.incarnation}`;
    this.#proposals = [];
    this.#readIds = [];
    this.#turnIsDue = false;
    this.#inputs = [];
    this.#entriesSinceSnapshot = 0;
    this.#snapshotUnderWay = null;
    this.#persister = new SimulatedPersister(
      this.#world,
      this.id,
      this.stored,
      this.#parts.variation.release ?? 'synced',
      (number, messages) => {
        for (const message of messages) this.#send(message);
        this.input({ type: 'persisted', number });
      },
    );
    const leaderKnown = () => this.leader !== null;
    this.#writes = new Writes(
      { propose: (proposal) => this.#propose(proposal), withdraw: (id) => this.#withdraw(id), leaderKnown },
      { acknowledged: () => {}, refused: () => {}, timedOut: () => {} },
      prefix,
      now,
    );
    const read = (id: string) => {
      this.#readIds.push(id);
      this.#turn();
    };
    this.#reads = new Reads({ read, leaderKnown, appliedIndex: () => this.appliedIndex }, () => {}, prefix, now);
  }

  /** The power goes. */
  crash(): void {
    const ofLog = this.#world.remains(this.id, LOG_FILE);
    if (ofLog !== null) this.#persister.crash(ofLog);
    const ofSnapshot = this.#world.remains(this.id, SNAPSHOT_FILE);
    if (ofSnapshot === 1) this.stored.store(this.#snapshotUnderWay!);
    this.core = null;
    this.role = 'follower';
    this.leader = null;
  }

  // Clients

  write(
    encode: (requestId: string) => Uint8Array,
    options: { readonly deadlineMs: number; readonly idempotencyKey?: string },
    resolve: (result: ApplyResult) => void,
    reject: (error: ServiceError) => void,
  ): void {
    this.#writes.begin(encode, options, resolve, reject);
  }

  read(id: string, deadlineMs: number, resolve: (entry: KVEntry | undefined) => void, reject: () => void): void {
    const answer = () => resolve(this.store.get(id));
    if (this.#parts.variation.reads === 'local') answer();
    else this.#reads.begin(deadlineMs, answer, reject);
  }

  #propose(proposal: Proposal): void {
    this.#proposals.push(proposal);
    this.#turn();
  }

  #withdraw(id: string): boolean {
    const at = this.#proposals.findIndex((proposal) => proposal.id === id);
    if (at >= 0) this.#proposals.splice(at, 1);
    return at >= 0;
  }

  /** What gathers until the next turn of the event loop goes into the core as one. */
  #turn(): void {
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    this.#world.timer(this.id, this.#parts.setup.turnUs, NodeTimer.turn);
  }

  // What happens to it

  timer(what: number, data: unknown): void {
    switch (what) {
      case NodeTimer.tick:
        this.#tick();
        break;
      case NodeTimer.turn:
        this.#takeTurn();
        break;
      case NodeTimer.retry:
        this.#persister.retry();
        break;
      default:
        this.#readSnapshot(data as Output['snapshotReads'][number]);
    }
  }

  #tick(): void {
    this.#world.timer(this.id, this.#parts.setup.tickUs, NodeTimer.tick);
    this.#writes.tick();
    this.#reads.tick();
    if (this.standsStill) return;
    this.ticks += 1;
    this.input({ type: 'tick' });
  }

  #takeTurn(): void {
    this.#turnIsDue = false;
    const proposals = this.#proposals;
    const ids = this.#readIds;
    this.#proposals = [];
    this.#readIds = [];
    if (proposals.length > 0) this.input({ type: 'propose', proposals });
    if (ids.length > 0) this.input({ type: 'read', ids });
    this.#reads.turned();
  }

  deliver(message: Message): void {
    if (this.standsStill) return;
    // A leader that has no space for writes refuses those of others.
    if (message.type === 'forwardProposals' && this.stuckSinceUs !== null && this.leader === this.id) {
      this.input({ type: 'refuseForwarded', message, reason: 'overloaded' });
      return;
    }
    this.input({ type: 'message', message });
  }

  written(file: number): void {
    if (file === LOG_FILE) {
      this.stuckSinceUs = null;
      this.#persister.written();
      return;
    }
    const snapshot = this.#snapshotUnderWay!;
    this.#snapshotUnderWay = null;
    this.stored.store(snapshot);
    this.input({ type: 'snapshotStored', snapshot: snapshot.meta });
  }

  noSpace(file: number): void {
    if (file === SNAPSHOT_FILE) {
      this.#snapshotUnderWay = null;
      return;
    }
    this.stuckSinceUs ??= this.#world.now;
    this.#world.timer(this.id, RETRY_US, NodeTimer.retry);
  }

  // The core

  /** Steps the core, and with what follows from it. */
  input(input: Input): void {
    this.#inputs.push(input);
    if (this.#isStepping) return;
    this.#isStepping = true;
    for (let i = 0; i < this.#inputs.length; i++) {
      const next = this.#inputs[i]!;
      const output = this.core!.step(next);
      this.#watcher.stepped(this, next, output);
      this.#handle(output);
    }
    this.#inputs.length = 0;
    this.#isStepping = false;
    this.#considerSnapshot();
  }

  #handle(output: Output): void {
    const { messages, persist, accepted, restore, committed, reads, refused, snapshotReads, events } = output;
    for (let i = 0; i < messages.length; i++) this.#send(messages[i]!);
    if (persist !== null) this.#persister.push(persist);
    for (let i = 0; i < accepted.length; i++) this.#writes.placed(accepted[i]!.id, accepted[i]!.term);
    if (restore !== null) this.#restore(restore);
    if (committed.length > 0) this.#apply(committed);
    for (let i = 0; i < reads.length; i++) this.#reads.readConfirmed(reads[i]!.id, reads[i]!.index);
    for (let i = 0; i < refused.length; i++) this.#refused(refused[i]!);
    for (let i = 0; i < snapshotReads.length; i++)
      this.#world.timer(this.id, READ_US, NodeTimer.readSnapshot, snapshotReads[i]);
    for (let i = 0; i < events.length; i++) this.#event(events[i]!);
  }

  #refused({ id, reason }: Output['refused'][number]): void {
    this.#writes.refused(id, reason);
    this.#reads.refused(id);
  }

  #send(message: Message): void {
    const { network } = this.#world;
    if (message.type === 'forwardProposals')
      for (const { id } of message.proposals) this.#writes.placed(id, message.term);
    if (this.#parts.setup.connectionsBreak && network.isCut(this.id, message.to) && network.isCut(message.to, this.id))
      this.#dropped(message);
    else this.#world.send(this.id, message.to, message);
  }

  /** What never left is refused definitely, and Raft is told to probe that peer. */
  #dropped(message: Message): void {
    if (message.type === 'forwardProposals') {
      for (const { id } of message.proposals) this.#writes.refused(id, 'noLeader');
    } else if (message.type === 'forwardReads') {
      for (const id of message.ids) this.#reads.refused(id);
    } else if (message.type === 'append' || message.type === 'installSnapshot') {
      this.input({ type: 'unreachable', node: message.to });
    }
  }

  #apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.appliedIndex = entry.index;
      const result = entry.kind === 'command' ? this.store.apply(entry.index, entry.data) : null;
      this.#watcher.applied(this, entry, result);
      this.#writes.applied(entry.index, entry.term, result?.requestId ?? null, result);
    }
    this.#watcher.appliedAll(this);
    this.#entriesSinceSnapshot += entries.length;
    this.#appliedTo(this.appliedIndex);
  }

  #appliedTo(index: LogIndex): void {
    this.input({ type: 'applied', index });
    this.#reads.applied(index);
  }

  #restore(snapshot: SnapshotMeta): void {
    this.#writes.restored();
    this.store = this.#parts.makeStore([this.stored.snapshot!.data]);
    this.appliedIndex = snapshot.index;
    this.#watcher.restored(this, snapshot);
    this.#appliedTo(snapshot.index);
  }

  #event(event: RaftEvent): void {
    if (event.type === 'roleChanged') this.role = event.role;
    else if (event.type === 'leaderChanged') {
      this.leader = event.leader;
      this.leaderTerm = event.term;
      this.#reads.leaderChanged();
    } else if (event.type === 'membershipChanged') this.membership = event.membership;
    else if (event.type === 'compacted')
      this.stored.compact(Math.min(event.index, this.stored.snapshot?.meta.index ?? 0));
  }

  // Snapshots

  #considerSnapshot(): void {
    if (this.#entriesSinceSnapshot >= this.#parts.setup.snapshotEntries) this.takeSnapshot();
  }

  takeSnapshot(): void {
    if (this.#snapshotUnderWay !== null || this.core === null) return;
    this.#entriesSinceSnapshot = 0;
    if (this.appliedIndex <= (this.stored.snapshot?.meta.index ?? 0)) return;
    const data = Buffer.concat([...this.store.snapshot()]);
    const meta = this.core.snapshotMeta(this.appliedIndex, data.length);
    if (meta === null) return;
    this.#snapshotUnderWay = { meta, data };
    this.#world.write(this.id, SNAPSHOT_FILE);
  }

  #readSnapshot({ to, index, offset, length }: Output['snapshotReads'][number]): void {
    const { snapshot, previous } = this.stored;
    const found = snapshot?.meta.index === index ? snapshot : previous?.meta.index === index ? previous : null;
    // Not there any more: the leader starts again with its newest one.
    if (found === null) return;
    const data = found.data.subarray(offset, offset + length);
    const done = offset + data.length >= found.data.length;
    this.input({ type: 'snapshotChunk', to, index, offset, data, done });
  }
}
