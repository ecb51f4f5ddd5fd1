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
import { type Forwarded, Gathering } from './gathering.ts';
import { Outgoing } from './outgoing.ts';

/** What the engine hands on: messages first, so that peers work while this node's disk and state do; the rest in Raft's order. */
export interface EngineOutputs {
  /** @returns the messages that certainly did not leave */
  send(to: NodeId, messages: readonly Message[]): readonly Message[];
  persist(records: readonly Persist[]): void;
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
  /** Ticks that passed while the driver slept, as far as they were not asked for yet: at most `ticksUntilDue` less one. */
  rested(): number;
  /** A turn is over; whatever it changed can be looked at. */
  turned(): void;
  /** The core broke an invariant: the node must stop. */
  failed(error: Error): void;
}

/**
 * Drives the Raft core: gathers what happens during one turn of the event loop, steps it, and hands on what comes out. Many proposals
 * become one input, many messages to one peer one frame.
 */
export class Engine {
  readonly #raft: Raft;
  readonly #outputs: EngineOutputs;
  readonly #gathering = new Gathering();
  readonly #outgoing = new Outgoing();
  #inputs: Input[] = [];
  /** The newest record handed out for writing, and the newest that is durable. */
  #persistNumber = 0;
  #durableNumber = 0;
  /** What Raft put out in this turn. */
  #taken: Output[] = [];
  #reads: string[] = [];
  #ticked = false;
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
    if (isForwarded(input)) this.#gathering.forwarded(input);
    else this.#inputs.push(input);
    this.#schedule();
  }

  /** Ticks missed while the process stood still are not made up for: nobody could have been heard in that time. */
  tick(): void {
    this.#ticked = true;
    this.#schedule();
  }

  /** The driver may sleep until this many ticks have passed, and account for all but the last of them by `rested`. */
  ticksUntilDue(): number {
    // At each tick, what waits for the disk is no longer waited for.
    return this.#isWriting ? 1 : this.#raft.ticksUntilDue();
  }

  propose(proposal: Proposal): void {
    this.#gathering.propose(proposal);
    this.#schedule();
  }

  /** Takes back proposals that Raft has not seen yet. @returns whether this one was among them */
  withdraw(id: string): boolean {
    return this.#gathering.withdraw(id);
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
      const ticked = this.#ticked;
      this.#ticked = false;
      // First, or the silence of a sleep would count behind the message that ended it.
      for (let left = this.#outputs.rested(); left > 0; left -= 1) this.#take(this.#raft.step({ type: 'tick' }));
      for (const input of this.#takeInputs()) {
        if (input.type === 'persisted') this.#durableNumber = input.number;
        this.#take(this.#raft.step(input));
      }
      if (ticked) this.#gathering.ticked();
      this.#proposeBatch();
      // Last, so that after a stall the leader's heartbeats count before the silence does.
      if (ticked) this.#take(this.#raft.step({ type: 'tick' }));
      this.#flush(ticked || !this.#isWriting);
      this.#handOn();
      this.#outputs.turned();
    } catch (error) {
      this.#stopped = true;
      this.#outputs.failed(error as Error);
    }
  }

  #takeInputs(): Input[] {
    const inputs = this.#inputs;
    this.#inputs = [];
    if (this.#reads.length > 0) inputs.push({ type: 'read', ids: this.#reads });
    this.#reads = [];
    return inputs;
  }

  /** Something waits for the disk, and a frame to the leader or to the followers will leave when it is done. */
  get #isWriting(): boolean {
    return this.#durableNumber < this.#persistNumber;
  }

  #proposeBatch(): void {
    for (const inputs of this.#gathering.take()) {
      const output = this.#raft.stepAll(inputs);
      this.#gathering.taken(output);
      this.#take(output);
    }
  }

  #take(output: Output): void {
    this.#taken.push(output);
    for (const message of output.messages) this.#enqueue(message);
    if (output.persist !== null) this.#persistNumber = output.persist.number;
    const committed = output.committed.at(-1);
    if (committed !== undefined) this.#gathering.committed(committed.index);
  }

  #handOn(): void {
    const taken = this.#taken;
    this.#taken = [];
    const records = taken.flatMap(({ persist }) => persist ?? []);
    if (records.length > 0) this.#outputs.persist(records);
    for (const output of taken) this.#handle(output);
  }

  #handle(output: Output): void {
    const outputs = this.#outputs;
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
    this.#outgoing.add(message);
  }

  #flush(hurry: boolean): void {
    for (const [to, messages] of this.#outgoing.take(hurry)) this.#dropped(to, this.#outputs.send(to, messages));
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

function isForwarded(input: Input): input is Forwarded {
  return input.type === 'refuseForwarded' || (input.type === 'message' && input.message.type === 'forwardProposals');
}
