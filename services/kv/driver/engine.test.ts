import { expect, test } from '@jest/globals';
import { Prng } from '../../../kit/prng.ts';
import { Raft } from '../core/raft/raft.ts';
import type { Entry, HardState, LogIndex, Message, NodeId, Persist } from '../core/raft/types.ts';
import { Engine } from './engine.ts';

const IDS: readonly NodeId[] = [1, 2, 3];
const STEPS = 3000;

/** A log on a disk, a core and its engine; what was applied stays known to the test. */
class Node {
  readonly id: NodeId;
  hardState: HardState = { term: 0, vote: null, commit: 0 };
  entries: Entry[] = [];
  unwritten: Persist[] = [];
  incarnation = 0;
  applied: LogIndex = 0;
  engine: Engine | null = null;
  rest = 1;

  constructor(id: NodeId) {
    this.id = id;
  }

  write(): Persist[] {
    const records = this.unwritten.splice(0);
    for (const { hardState, entries } of records) {
      if (hardState !== null) this.hardState = hardState;
      if (entries.length > 0) this.entries = [...this.entries.slice(0, entries[0]!.index - 1), ...entries];
    }
    return records;
  }
}

/** Three engines, with frames that are lost or late, slow disks, crashes, and drivers that sleep. */
class Cluster {
  readonly nodes = new Map(IDS.map((id) => [id, new Node(id)]));
  readonly committed: string[] = [];
  readonly refused = new Set<string>();
  readonly reads = new Map<string, LogIndex>();
  readonly failures: Error[] = [];
  answered = 0;
  frames: { readonly to: NodeId; readonly messages: readonly Message[] }[] = [];
  cut: NodeId | null = null;
  readonly #random: Prng;

  constructor(random: Prng) {
    this.#random = random;
    for (const id of IDS) this.start(id);
  }

  start(id: NodeId): void {
    const node = this.nodes.get(id)!;
    node.incarnation += 1;
    node.applied = 0;
    node.rest = 1;
    const { hardState, entries } = node;
    const config = { id, incarnation: node.incarnation, electionTicks: 10, heartbeatTicks: 3, appendBytesMax: 64 };
    const limits = { appendsInflightMax: 4, uncommittedBytesMax: 1000, snapshotChunkBytes: 32 };
    const policy = { preVote: true, checkQuorum: true, entriesKeptAfterSnapshot: 0 };
    const membership = { voters: IDS, votersOutgoing: [], learners: [], retired: [], addresses: {} };
    const raft = new Raft(
      { ...config, ...limits, ...policy, membership },
      { hardState, snapshot: null, entries },
      new Prng(this.#random.integer(1, 2 ** 31)),
    );
    const engine: Engine = new Engine(raft, {
      send: (to, messages) => this.#send(node, to, messages),
      persist: (records) => void node.unwritten.push(...records),
      commit: (entries) => this.#commit(node, entries),
      readConfirmed: (read, index) => this.#confirm(read, index),
      refused: (proposal) => void this.refused.add(proposal),
      rested: () => {
        const rested = node.rest - 1;
        node.rest = 1;
        return rested;
      },
      failed: (error) => void this.failures.push(error),
      restore: () => {},
      accepted: () => {},
      placed: () => {},
      snapshotRead: () => {},
      event: () => {},
      turned: () => {},
    });
    node.engine = engine;
  }

  crash(id: NodeId): void {
    const node = this.nodes.get(id)!;
    node.engine?.stop();
    node.engine = null;
    node.unwritten = [];
  }

  written(id: NodeId): void {
    const node = this.nodes.get(id)!;
    const records = node.write();
    const last = records.at(-1);
    if (last === undefined || node.engine === null) return;
    node.engine.send(records.flatMap(({ thenSend }) => thenSend));
    node.engine.input({ type: 'persisted', number: last.number });
  }

  /** The oldest frame of some connection: those of one arrive in order. */
  deliver(): void {
    const at = this.#random.integer(0, this.frames.length);
    const { to, messages } = this.frames[at]!;
    const first = this.frames.findIndex((frame) => frame.to === to && frame.messages[0]!.from === messages[0]!.from);
    const [frame] = this.frames.splice(first, 1);
    for (const message of frame!.messages) this.nodes.get(to)!.engine?.input({ type: 'message', message });
  }

  tick(id: NodeId): void {
    const { engine } = this.nodes.get(id)!;
    if (engine === null) return;
    this.nodes.get(id)!.rest = this.#random.integer(1, Math.min(5, engine.ticksUntilDue()) + 1);
    engine.tick();
  }

  /** What was committed when the read was made must show in its answer. */
  read(id: NodeId, read: string): void {
    this.reads.set(read, this.committed.length);
    this.nodes.get(id)!.engine?.read(read);
  }

  propose(id: NodeId, text: string): void {
    this.nodes.get(id)!.engine?.propose({ id: text, data: new TextEncoder().encode(text) });
  }

  #send(node: Node, to: NodeId, messages: readonly Message[]): readonly Message[] {
    for (const message of messages) this.#promised(node, message);
    if (this.cut === to || this.cut === node.id) return this.#random.integer(0, 2) === 0 ? messages : [];
    if (this.#random.integer(0, 30) > 0) this.frames.push({ to, messages });
    return [];
  }

  /** What a message promises is on the disk of its sender. */
  #promised(node: Node, message: Message): void {
    if (message.type === 'vote' && message.granted && !message.pre) {
      expect(node.hardState.term).toBeGreaterThanOrEqual(message.term);
      if (node.hardState.term === message.term) expect(node.hardState.vote).toBe(message.to);
    }
    if (message.type === 'appended' && message.success && message.term === node.hardState.term)
      expect(node.entries.length).toBeGreaterThanOrEqual(message.matchIndex);
  }

  #commit(node: Node, entries: readonly Entry[]): void {
    for (const { index, term, data } of entries) {
      expect(index).toBe(node.applied + 1);
      node.applied = index;
      const text = new TextDecoder().decode(data);
      const what = `${term} ${text}`;
      if (index <= this.committed.length) {
        expect(what).toBe(this.committed[index - 1]);
        continue;
      }
      this.committed.push(what);
      const holding = [...this.nodes.values()].filter((other) => other.entries[index - 1]?.term === term);
      expect(holding.length).toBeGreaterThanOrEqual(2);
      expect(this.refused.has(text)).toBe(false);
    }
    node.engine?.input({ type: 'applied', index: node.applied });
  }

  #confirm(read: string, index: LogIndex): void {
    expect(index).toBeGreaterThanOrEqual(this.reads.get(read)!);
    this.answered += 1;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'three engines agree, and promise nothing that their disks do not have: seed %i',
  async (seed) => {
    const random = new Prng(seed);
    const cluster = new Cluster(random);
    for (let step = 0; step < STEPS; step++) {
      const id = IDS[random.integer(0, IDS.length)]!;
      const what = random.integer(0, 100);
      const node = cluster.nodes.get(id)!;
      if (what < 45) {
        if (cluster.frames.length > 0) cluster.deliver();
      } else if (what < 60) cluster.written(id);
      else if (what < 75) cluster.tick(id);
      else if (what < 85) cluster.propose(id, `p${step}`);
      else if (what < 93) cluster.read(id, `r${step}`);
      else if (what === 93 && random.integer(0, 5) === 0) cluster.crash(id);
      else if (what === 94 && node.engine !== null) node.engine.input({ type: 'transferLeadership', to: 2 });
      else if (what === 95 && random.integer(0, 3) === 0) cluster.cut = cluster.cut === null ? id : null;
      else if (what > 95 && node.engine === null) cluster.start(id);
      if (random.integer(0, 3) > 0) await turn();
      expect(cluster.failures).toEqual([]);
    }
    // All is well again: what is written and read now is done.
    cluster.cut = null;
    for (const id of IDS) if (cluster.nodes.get(id)!.engine === null) cluster.start(id);
    const done = () => IDS.every((id) => cluster.committed.some((text) => text.includes(` last${id} `)));
    for (let round = 0; round < 400 && !done(); round++) {
      for (const id of IDS) {
        if (round % 100 === 99) cluster.propose(id, `last${id} ${round}`);
        cluster.tick(id);
        await turn();
        cluster.written(id);
        await turn();
      }
      while (cluster.frames.length > 0) cluster.deliver();
      await turn();
      expect(cluster.failures).toEqual([]);
    }
    expect(done()).toBe(true);
    expect(cluster.answered).toBeGreaterThan(0);
  },
);
