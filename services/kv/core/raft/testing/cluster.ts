import { assert } from '../../../../../kit/assert.ts';
import { Prng } from '../../../../../kit/prng.ts';
import { Raft } from '../raft.ts';
import { type Rules, raftRules } from '../rules.ts';
import type { Entry, Input, Membership, Message, NodeId, Output, Persist, RaftConfig, Restored } from '../types.ts';
import { TestDisk } from './disk.ts';

/** A core under test: `Raft`, or a decorator over it. */
export type Core = Pick<Raft, 'step' | 'status' | 'snapshotMeta'>;

export type MakeCore = (config: RaftConfig, restored: Restored | null, random: Prng) => Core;

/** Told of everything that goes into a core and comes out of it. */
export interface Observer {
  started?(node: TestNode): void;
  stepped?(node: TestNode, input: Input, output: Output): void;
  /** A record is on the disk, before anybody hears of it. */
  written?(node: TestNode, record: Persist): void;
  crashed?(node: TestNode): void;
}

export const testConfig = {
  electionTicks: 10,
  heartbeatTicks: 3,
  appendBytesMax: 64,
  appendsInflightMax: 4,
  uncommittedBytesMax: 1 << 20,
  snapshotChunkBytes: 32,
  preVote: true,
  checkQuorum: true,
  entriesKeptAfterSnapshot: 0,
} as const;

export type TestConfig = { -readonly [K in keyof typeof testConfig]: RaftConfig[K] };

/** One node: a core, its disk, the writes that have not reached it, and a state machine that keeps the commands it was given. */
export class TestNode {
  readonly id: NodeId;
  readonly disk = new TestDisk();
  incarnation = 0;
  core: Core | null = null;
  unwritten: Persist[] = [];
  /** `index:text` of every command applied. */
  state: string[] = [];
  appliedIndex = 0;

  constructor(id: NodeId) {
    this.id = id;
  }

  get isUp(): boolean {
    return this.core !== null;
  }

  status() {
    assert(this.core !== null, `node ${this.id} is down`);
    return this.core.status();
  }
}

const text = new TextDecoder();
const bytes = new TextEncoder();

export interface ClusterOptions {
  readonly seed?: number;
  readonly config?: Partial<TestConfig>;
  readonly rules?: Rules;
  readonly make?: MakeCore;
  readonly observers?: readonly Observer[];
}

/** Nodes with a network and disks that do nothing until they are told to: every delivery and every write is a call. */
export class TestCluster {
  readonly nodes = new Map<NodeId, TestNode>();
  /** Messages under way, in the order in which they were sent. */
  network: Message[] = [];
  readonly membership: Membership;
  readonly config: TestConfig;
  readonly #seed: number;
  readonly #make: MakeCore;
  readonly #observers: readonly Observer[];
  #isolated = new Set<NodeId>();

  constructor(voters: readonly NodeId[], options: ClusterOptions = {}) {
    const addresses: Record<NodeId, string> = {};
    for (const id of voters) addresses[id] = `host-${id}`;
    this.membership = { voters, votersOutgoing: [], learners: [], retired: [], addresses };
    this.config = { ...testConfig, ...options.config };
    this.#seed = options.seed ?? 1;
    const rules = options.rules ?? raftRules;
    this.#make = options.make ?? ((config, restored, random) => new Raft(config, restored, random, rules));
    this.#observers = options.observers ?? [];
    for (const id of voters) this.start(id);
  }

  node(id: NodeId): TestNode {
    const node = this.nodes.get(id);
    assert(node !== undefined, `there is no node ${id}`);
    return node;
  }

  get up(): TestNode[] {
    return [...this.nodes.values()].filter((node) => node.isUp);
  }

  /** The leader with the highest term, or null. */
  get leader(): TestNode | null {
    const leaders = this.up.filter((node) => node.status().role === 'leader');
    return leaders.sort((a, b) => b.status().term - a.status().term)[0] ?? null;
  }

  /** Starts a node for the first time, or again with what is on its disk. */
  start(id: NodeId): void {
    const node = this.nodes.get(id) ?? new TestNode(id);
    this.nodes.set(id, node);
    node.incarnation += 1;
    const config: RaftConfig = { ...this.config, id, incarnation: node.incarnation, membership: this.membership };
    const random = new Prng(this.#seed).fork(`node ${id} start ${node.incarnation}`);
    node.state = readState(node.disk.snapshot?.data);
    node.appliedIndex = node.disk.snapshot?.meta.index ?? 0;
    node.core = this.#make(config, node.incarnation === 1 ? null : node.disk.restored(), random);
    for (const observer of this.#observers) observer.started?.(node);
  }

  /** Stops a node; of the writes under way the first `written` reach the disk, but nobody hears of it. */
  crash(id: NodeId, written = 0): void {
    const node = this.node(id);
    for (const record of node.unwritten.splice(0, written)) this.#write(node, record);
    node.unwritten = [];
    node.core = null;
    // Copies of a forwarded proposal do not outlive the connection that they came on, see types.ts.
    this.network = this.network.filter((message) => message.to !== id || message.type !== 'forwardProposals');
    for (const observer of this.#observers) observer.crashed?.(node);
  }

  step(id: NodeId, input: Input): Output {
    const node = this.node(id);
    assert(node.core !== null, `node ${id} is down`);
    const output = node.core.step(input);
    for (const observer of this.#observers) observer.stepped?.(node, input, output);
    this.network.push(...output.messages);
    if (output.persist !== null) node.unwritten.push(output.persist);
    if (output.restore !== null) this.#restore(node, output.restore.index);
    if (output.committed.length > 0) this.#apply(node, output.committed);
    for (const read of output.snapshotReads) {
      const stored = node.disk.snapshot;
      if (stored === null || stored.meta.index !== read.index) continue;
      const data = stored.data.slice(read.offset, read.offset + read.length);
      const done = read.offset + data.length === stored.data.length;
      this.step(id, { type: 'snapshotChunk', to: read.to, index: read.index, offset: read.offset, data, done });
    }
    return output;
  }

  #restore(node: TestNode, index: number): void {
    assert(node.disk.snapshot?.meta.index === index, `snapshot ${index} is to be restored, but is not on the disk`);
    node.state = readState(node.disk.snapshot.data);
    node.appliedIndex = index;
    this.step(node.id, { type: 'applied', index });
  }

  #apply(node: TestNode, entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(
        entry.index === node.appliedIndex + 1,
        `node ${node.id} applies ${entry.index} after ${node.appliedIndex}`,
      );
      node.appliedIndex = entry.index;
      if (entry.kind === 'command') node.state.push(`${entry.index}:${text.decode(entry.data)}`);
    }
    this.step(node.id, { type: 'applied', index: node.appliedIndex });
  }

  /** Lets the first `count` writes of a node reach its disk, as one fsync. Says whether there were any. */
  flush(id: NodeId, count = Infinity): boolean {
    const node = this.node(id);
    const records = node.unwritten.splice(0, count);
    const last = records.at(-1);
    if (last === undefined) return false;
    for (const record of records) this.#write(node, record);
    for (const record of records) this.network.push(...record.thenSend);
    this.step(id, { type: 'persisted', number: last.number });
    return true;
  }

  #write(node: TestNode, record: Persist): void {
    node.disk.write(record);
    for (const observer of this.#observers) observer.written?.(node, record);
  }

  /** Makes a snapshot of what the node has applied; says whether there was anything new. */
  snapshot(id: NodeId): boolean {
    const node = this.node(id);
    if (node.appliedIndex <= (node.disk.snapshot?.meta.index ?? 0) || node.core === null) return false;
    const data = bytes.encode(JSON.stringify(node.state));
    const meta = node.core.snapshotMeta(node.appliedIndex, data.length);
    if (meta === null) return false;
    node.disk.storeSnapshot(meta, data, this.config.entriesKeptAfterSnapshot);
    this.step(id, { type: 'snapshotStored', snapshot: meta });
    return true;
  }

  /** Cuts these nodes off from all others; nobody else is cut off any more. */
  isolate(ids: readonly NodeId[]): void {
    this.#isolated = new Set(ids);
  }

  isCut(message: Message): boolean {
    return this.#isolated.has(message.from) !== this.#isolated.has(message.to);
  }

  /** Delivers one message; it is lost when its way is cut or its receiver is down. */
  deliver(message: Message): boolean {
    if (this.isCut(message) || this.nodes.get(message.to)?.isUp !== true) return false;
    this.step(message.to, { type: 'message', message });
    return true;
  }

  /** Flushes and delivers until nothing is under way. */
  settle(): void {
    for (let rounds = 0; rounds < 20_000; rounds++) {
      const flushed = this.up.filter((node) => this.flush(node.id));
      const messages = this.network;
      this.network = [];
      for (const message of messages) this.deliver(message);
      if (flushed.length === 0 && messages.length === 0) return;
    }
    assert(false, 'the cluster does not come to rest');
  }

  tick(id: NodeId, count = 1): void {
    for (let i = 0; i < count; i++) this.step(id, { type: 'tick' });
  }

  /** Ticks a node until it stands for election, and settles. */
  elect(id: NodeId): void {
    const before = this.node(id).status().term;
    for (let i = 0; i < 3 * this.config.electionTicks && this.node(id).status().role === 'follower'; i++) this.tick(id);
    this.settle();
    assert(this.node(id).status().role === 'leader', `node ${id} was not elected in the term after ${before}`);
  }

  propose(id: NodeId, ...commands: readonly string[]): Output {
    const proposals = commands.map((command) => ({ id: command, data: bytes.encode(command) }));
    return this.step(id, { type: 'propose', proposals });
  }
}

function readState(data: Uint8Array | undefined): string[] {
  return data === undefined ? [] : (JSON.parse(text.decode(data)) as string[]);
}
