import { assert } from '../../../../kit/assert.ts';
import type { Replica } from './replica.ts';
import type { MessageOf } from './rules.ts';
import type { LogIndex, SnapshotMeta, Term } from './types.ts';

/** A snapshot that arrives in chunks. Another leader, or the same one in another term, starts again: its bytes may differ. */
interface Incoming {
  readonly leaderTerm: Term;
  readonly snapshot: SnapshotMeta;
  /** Bytes received in order, written or on their way to the disk. */
  offset: number;
}

/** What a node does on the leader's word (thesis §3.5, §5.3). The sender is the leader of the current term. */
export class Follower {
  readonly #replica: Replica;
  #incoming: Incoming | null = null;

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  append(message: MessageOf<'append'>): void {
    const replica = this.#replica;
    const { log, rules } = replica;
    const { entries } = message;
    if (!rules.logMatches(message, log, replica.commitIndex)) {
      this.#refuse(message);
      return;
    }
    const start = rules.firstNewEntry(entries, log, replica.commitIndex);
    if (start < entries.length) {
      const { index } = entries[start]!;
      if (index <= log.lastIndex) replica.truncateFrom(index);
      for (let i = start; i < entries.length; i++) replica.append(entries[i]!);
    }
    // Beyond the last entry of this message the log may still differ from the leader's.
    const agreed = message.prevLogIndex + entries.length;
    const commit = Math.min(message.leaderCommit, agreed);
    if (commit > replica.commitIndex) replica.commitTo(commit);
    this.#answer(message, true, Math.max(agreed, replica.commitIndex), 0);
  }

  /**
   * The hint is the highest entry that may agree, with its term, so that the leader skips a whole term with each round trip. What is
   * committed here agrees for certain.
   */
  #refuse(message: MessageOf<'append'>): void {
    const { log, commitIndex } = this.#replica;
    const guess = log.lastIndexWithTermAtMost(Math.min(message.prevLogIndex, log.lastIndex), message.prevLogTerm);
    if (guess.index > commitIndex) this.#answer(message, false, guess.index, guess.term);
    else this.#answer(message, false, commitIndex, log.termAt(commitIndex) ?? 0);
  }

  #answer(message: MessageOf<'append'>, success: boolean, matchIndex: LogIndex, hintTerm: Term): void {
    const { id, term, outbox } = this.#replica;
    const rejectedIndex = success ? 0 : message.prevLogIndex;
    // What it promises is durable once everything written so far is, also when this message brought nothing new.
    outbox.sendDurably({
      type: 'appended',
      from: id,
      to: message.from,
      term,
      success,
      matchIndex,
      hintTerm,
      rejectedIndex,
    });
  }

  heartbeat(message: MessageOf<'heartbeat'>): void {
    const replica = this.#replica;
    // The leader names no more than it knows this node to have, so no check of the log is needed.
    if (message.leaderCommit > replica.commitIndex) replica.commitTo(message.leaderCommit);
    const { id, term } = replica;
    replica.send({ type: 'heartbeatAck', from: id, to: message.from, term, readRound: message.readRound });
  }

  installSnapshot(message: MessageOf<'installSnapshot'>): void {
    const replica = this.#replica;
    const { snapshot, data } = message;
    if (!replica.rules.needsInstall(snapshot, replica.commitIndex, replica.log.termAt(snapshot.index))) {
      // The last entry of the snapshot is in the log, hence so is all before it: commit, and keep what follows.
      if (snapshot.index > replica.commitIndex) replica.commitTo(snapshot.index);
      this.#incoming = null;
      this.#acknowledge(message, snapshot.size, true);
      return;
    }
    const incoming = this.#incomingFor(message);
    if (message.offset !== incoming.offset) {
      this.#acknowledge(message, incoming.offset, false);
      return;
    }
    incoming.offset += data.length;
    replica.outbox.snapshotWrite = { snapshot, offset: message.offset, data, done: message.done };
    if (message.done) {
      assert(incoming.offset === snapshot.size, `snapshot of ${snapshot.size} bytes ended at ${incoming.offset}`);
      this.#incoming = null;
      replica.install(snapshot);
    }
    this.#acknowledge(message, incoming.offset, message.done);
  }

  #incomingFor(message: MessageOf<'installSnapshot'>): Incoming {
    const { snapshot, term } = message;
    const current = this.#incoming;
    if (
      current !== null &&
      current.leaderTerm === term &&
      current.snapshot.index === snapshot.index &&
      current.snapshot.size === snapshot.size
    ) {
      return current;
    }
    this.#incoming = { leaderTerm: term, snapshot, offset: 0 };
    return this.#incoming;
  }

  #acknowledge(message: MessageOf<'installSnapshot'>, offset: number, installed: boolean): void {
    const { id, term, outbox } = this.#replica;
    const { index } = message.snapshot;
    outbox.sendDurably({ type: 'snapshotAck', from: id, to: message.from, term, index, offset, installed });
  }
}
