import type { Raft } from '../core/raft/raft.ts';
import type {
  Entry,
  Input,
  LogIndex,
  Message,
  NodeId,
  Output,
  Persist,
  Proposal,
  RaftEvent,
  RaftStatus,
  RefusalReason,
  SnapshotMeta,
  Term,
} from '../core/raft/types.ts';

/** What the engine hands on, in the order in which Raft put it out. */
export interface EngineOutputs {
  /** @returns the messages that certainly did not leave */
  send(to: NodeId, messages: readonly Message[]): readonly Message[];
  persist(record: Persist): void;
  commit(entries: readonly Entry[]): void;
  restore(snapshot: SnapshotMeta): void;
  readConfirmed(id: string, index: LogIndex): void;
  accepted(id: string, index: LogIndex, term: Term): void;
  /** Proposals have gone, here or by a forward, to the leader of `term`, which appends them in that term or not at all. */
  placed(ids: readonly string[], term: Term): void;
  /** Definitely not done. */
  refused(id: string, reason: RefusalReason): void;
  snapshotRead(to: NodeId, index: LogIndex, offset: number, length: number): void;
  event(event: RaftEvent): void;
  /** A turn is over; whatever it changed can be looked at. */
  turned(): void;
  /** The core broke an invariant: the node must stop. */
  failed(error: Error): void;
}

/** A batch of proposals larger than this is split, so that no message and no log record grows beyond bounds. */
const PROPOSE_BYTES_MAX = 1024 * 1024;

/**
 * Drives the Raft core: gathers what happens during one turn of the event loop, steps it, and hands on what comes out. Many proposals
 * of one turn become one input, many messages to one peer one frame.
 */
export class Engine {
  readonly #raft: Raft;
  readonly #outputs: EngineOutputs;
  #inputs: Input[] = [];
  #proposals: Proposal[] = [];
  #reads: string[] = [];
  #ticked = false;
  #outgoing = new Map<NodeId, Message[]>();
  #scheduled = false;
  #stopped = false;

  constructor(raft: Raft, outputs: EngineOutputs) {
    this.#raft = raft;
    this.#outputs = outputs;
  }

  status(): RaftStatus {
    return this.#raft.status();
  }

  termAt(index: LogIndex): Term | null {
    return this.#raft.termAt(index);
  }

  /** Null when a newer snapshot has come from the leader. */
  snapshotMeta(index: LogIndex): SnapshotMeta | null {
    return this.#raft.snapshotMeta(index, 0);
  }

  input(input: Exclude<Input, { type: 'tick' | 'propose' | 'read' }>): void {
    this.#inputs.push(input);
    this.#schedule();
  }

  /** Ticks missed while the process stood still are not made up for: nobody could have been heard in that time. */
  tick(): void {
    this.#ticked = true;
    this.#schedule();
  }

  propose(proposal: Proposal): void {
    this.#proposals.push(proposal);
    this.#schedule();
  }

  /** Takes back proposals that Raft has not seen yet. @returns whether this one was among them */
  withdraw(id: string): boolean {
    const at = this.#proposals.findIndex((proposal) => proposal.id === id);
    if (at >= 0) this.#proposals.splice(at, 1);
    return at >= 0;
  }

  read(id: string): void {
    this.#reads.push(id);
    this.#schedule();
  }

  /** Messages that waited for the disk. */
  send(messages: readonly Message[]): void {
    for (const message of messages) this.#enqueue(message);
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    if (this.#stopped) return;
    try {
      for (const input of this.#takeInputs()) this.#handle(this.#raft.step(input));
      this.#flush();
      this.#outputs.turned();
    } catch (error) {
      this.#stopped = true;
      this.#outputs.failed(error as Error);
    }
  }

  /** Messages first and the tick last: after a stall the leader's heartbeats count before the silence does. */
  #takeInputs(): Input[] {
    const inputs = this.#inputs;
    this.#inputs = [];
    for (const proposals of batches(this.#proposals)) inputs.push({ type: 'propose', proposals });
    this.#proposals = [];
    if (this.#reads.length > 0) inputs.push({ type: 'read', ids: this.#reads });
    this.#reads = [];
    if (this.#ticked) inputs.push({ type: 'tick' });
    this.#ticked = false;
    return inputs;
  }

  #handle(output: Output): void {
    const outputs = this.#outputs;
    for (const message of output.messages) this.#enqueue(message);
    if (output.persist !== null) outputs.persist(output.persist);
    for (const { id, index, term } of output.accepted) {
      outputs.accepted(id, index, term);
      outputs.placed([id], term);
    }
    if (output.restore !== null) outputs.restore(output.restore);
    if (output.committed.length > 0) outputs.commit(output.committed);
    for (const { id, index } of output.reads) outputs.readConfirmed(id, index);
    for (const { id, reason } of output.refused) outputs.refused(id, reason);
    for (const { to, index, offset, length } of output.snapshotReads) outputs.snapshotRead(to, index, offset, length);
    for (const event of output.events) outputs.event(event);
  }

  #enqueue(message: Message): void {
    if (message.type === 'forwardProposals')
      this.#outputs.placed(
        message.proposals.map(({ id }) => id),
        message.term,
      );
    const waiting = this.#outgoing.get(message.to);
    if (waiting === undefined) this.#outgoing.set(message.to, [message]);
    else waiting.push(message);
  }

  #flush(): void {
    const outgoing = this.#outgoing;
    this.#outgoing = new Map();
    for (const [to, messages] of outgoing) this.#dropped(to, this.#outputs.send(to, messages));
  }

  /** What never left is refused definitely, and Raft is told to probe that peer. */
  #dropped(to: NodeId, messages: readonly Message[]): void {
    if (messages.length === 0) return;
    for (const message of messages) {
      if (message.type === 'forwardProposals') {
        for (const { id } of message.proposals) this.#outputs.refused(id, 'noLeader');
      } else if (message.type === 'forwardReads') {
        for (const id of message.ids) this.#outputs.refused(id, 'noLeader');
      }
    }
    if (messages.some(({ type }) => type === 'append' || type === 'installSnapshot'))
      this.input({ type: 'unreachable', node: to });
  }
}

function* batches(proposals: readonly Proposal[]): Generator<Proposal[]> {
  let batch: Proposal[] = [];
  let bytes = 0;
  for (const proposal of proposals) {
    if (batch.length > 0 && bytes + proposal.data.length > PROPOSE_BYTES_MAX) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(proposal);
    bytes += proposal.data.length;
  }
  if (batch.length > 0) yield batch;
}
