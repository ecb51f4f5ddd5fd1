import { assert } from '../../../../../kit/assert.ts';
import { members } from '../membership.ts';
import type { Entry, Input, NodeId, Output, Persist } from '../types.ts';
import type { Observer, TestNode } from './cluster.ts';

const text = new TextDecoder();

/**
 * Watches a cluster and throws when one of Raft's guarantees (thesis, Figure 3.2) is broken. Each check costs as much as what the
 * step changed.
 */
export class Invariants implements Observer {
  /** What was committed at each index, as the first node to apply it saw it. */
  readonly committed: (Entry | undefined)[] = [undefined];
  readonly refused = new Set<string>();
  readonly answeredReads: string[] = [];
  readonly #nodes: () => Iterable<TestNode>;
  readonly #leaders = new Map<number, NodeId>();
  /** (index, term) → data and the term before it: two logs with the same entry agree in all before it. */
  readonly #entries = new Map<string, string>();
  readonly #logs = new Map<NodeId, Map<number, number>>();
  readonly #reads = new Map<string, number>();
  readonly #commands = new Map<string, number>();

  /** @param nodes all nodes of the cluster */
  constructor(nodes: () => Iterable<TestNode>) {
    this.#nodes = nodes;
  }

  get commitIndex(): number {
    return this.committed.length - 1;
  }

  /** A read was made: whatever is committed now must show in its answer. */
  readStarted(id: string): void {
    this.#reads.set(id, this.commitIndex);
  }

  started(node: TestNode): void {
    const log = new Map<number, number>();
    const { snapshot, entries } = node.disk;
    if (snapshot !== null) log.set(snapshot.meta.index, snapshot.meta.term);
    for (const entry of entries) log.set(entry.index, entry.term);
    this.#logs.set(node.id, log);
  }

  stepped(node: TestNode, _input: Input, output: Output): void {
    if (output.persist !== null) this.#logChanged(node, output.persist);
    for (const event of output.events) {
      if (event.type === 'roleChanged' && event.role === 'leader') this.#leaderElected(node, event.term);
      if (event.type !== 'membershipChanged') continue;
      const again = members(event.membership).filter((id) => event.membership.retired.includes(id));
      assert(again.length === 0, `${again} were removed, and are members again`);
    }
    for (const entry of output.committed) this.#entryCommitted(node, entry);
    for (const { id } of output.refused) this.#proposalRefused(id);
    for (const { id, index } of output.reads) {
      const atLeast = this.#reads.get(id);
      assert(atLeast !== undefined, `read ${id} was never made`);
      assert(index >= atLeast, `stale read ${id}: index ${index}, but ${atLeast} was committed when it was made`);
      this.answeredReads.push(id);
    }
    for (const message of output.messages) {
      assert(message.type !== 'appended' && message.type !== 'snapshotAck', `${message.type} left before its write`);
      assert(message.type !== 'vote' || message.pre, 'a vote left before its write');
    }
  }

  #logChanged(node: TestNode, record: Persist): void {
    const log = this.#logs.get(node.id)!;
    if (record.snapshotWrite?.done) {
      log.clear();
      log.set(record.snapshotWrite.snapshot.index, record.snapshotWrite.snapshot.term);
    }
    for (const entry of record.entries) {
      const place = `${entry.index}@${entry.term}`;
      const what = `${entry.kind} ${text.decode(entry.data)} after term ${log.get(entry.index - 1) ?? 0}`;
      const known = this.#entries.get(place);
      assert(known === undefined || known === what, `log matching: ${place} is ${known}, at node ${node.id} ${what}`);
      this.#entries.set(place, what);
      log.set(entry.index, entry.term);
    }
    const last = record.entries.at(-1);
    for (let i = (last?.index ?? Infinity) + 1; log.has(i); i++) log.delete(i);
  }

  #leaderElected(node: TestNode, term: number): void {
    const other = this.#leaders.get(term);
    assert(
      other === undefined || other === node.id,
      `election safety: nodes ${other} and ${node.id} lead term ${term}`,
    );
    this.#leaders.set(term, node.id);
    const log = this.#logs.get(node.id)!;
    const first = Math.min(...log.keys());
    for (let i = Math.max(first, 1); i <= this.commitIndex; i++) {
      const entry = this.committed[i]!;
      assert(
        log.get(i) === entry.term,
        `leader completeness: leader ${node.id} of term ${term} lacks entry ${i}@${entry.term}`,
      );
    }
    assert(
      first - 1 <= this.commitIndex,
      `leader ${node.id} has a log from ${first}, only ${this.commitIndex} is committed`,
    );
  }

  #entryCommitted(node: TestNode, entry: Entry): void {
    const known = this.committed[entry.index];
    if (known !== undefined) {
      const same =
        known.term === entry.term && known.kind === entry.kind && text.decode(known.data) === text.decode(entry.data);
      assert(
        same,
        `state machine safety: node ${node.id} applies ${entry.index}@${entry.term}, another applied ${known.index}@${known.term}`,
      );
      return;
    }
    assert(entry.index === this.committed.length, `entry ${entry.index} is committed before ${this.committed.length}`);
    this.committed.push(entry);
    this.#isDurable(entry, node);
    if (entry.kind !== 'command') return;
    const command = text.decode(entry.data);
    const before = this.#commands.get(command);
    assert(before === undefined, `command ${command} is committed at ${before} and at ${entry.index}`);
    assert(!this.refused.has(command), `command ${command} was refused, but is committed at ${entry.index}`);
    this.#commands.set(command, entry.index);
  }

  /**
   * What a node applies is on the disks of a majority of the voters it knows. In a joint configuration that is certain of the
   * incoming ones only: the leader may have left it, while this node does not know yet.
   */
  #isDurable(entry: Entry, node: TestNode): void {
    const { voters } = node.status().membership;
    const disks = [...this.#nodes()].filter((other) => voters.includes(other.id));
    const holding = disks.filter((other) => other.disk.holds(entry.index, entry.term)).length;
    assert(
      holding * 2 > voters.length,
      `entry ${entry.index}@${entry.term} is applied, but on ${holding} disks of ${voters}`,
    );
  }

  #proposalRefused(id: string): void {
    this.refused.add(id);
    const index = this.#commands.get(id);
    assert(index === undefined, `command ${id} is committed at ${index}, but was refused`);
  }
}
