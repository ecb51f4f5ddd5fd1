import { assert } from '../../../../kit/assert.ts';
import { members } from './membership.ts';
import { FollowerProgress } from './progress.ts';
import type { Replica } from './replica.ts';
import type { MessageOf } from './rules.ts';
import type { Entry, Input, LogIndex, NodeId, RefusalReason } from './types.ts';

/** A chunk that took too long is sent again at half its length, down to this share of the configured one. */
const CHUNK_SHARE_MIN = 1 / 4;

const NO_ENTRIES: readonly Entry[] = Object.freeze([]);

/** The leader's side of replication: what to send to whom, by append or by snapshot (thesis §3.5, §5.3, §10.2). */
export class Replication {
  readonly #replica: Replica;
  readonly #followers = new Map<NodeId, FollowerProgress>();

  constructor(replica: Replica) {
    this.#replica = replica;
    this.followMembership();
  }

  get followers(): Iterable<FollowerProgress> {
    return this.#followers.values();
  }

  of(node: NodeId): FollowerProgress | undefined {
    return this.#followers.get(node);
  }

  /**
   * Starts to replicate to new members. Those that left are served for one more election time-out, as far as they answer: who knows
   * that its removal is committed stays quiet.
   */
  followMembership(): void {
    const { memberships, id, log } = this.#replica;
    const { current } = memberships;
    const nodes = members(current);
    for (const follower of this.#followers.values()) follower.leaves = !nodes.includes(follower.node);
    for (const node of nodes) {
      const learner = current.learners.includes(node);
      const known = this.#followers.get(node);
      if (known !== undefined) known.learner = learner;
      else if (node !== id) this.#followers.set(node, new FollowerProgress(node, log.lastIndex + 1, learner));
    }
  }

  /** Highest index that is durable at `node` and equal to this log; the leader counts itself like everybody, after its own fsync. */
  readonly matchOf = (node: NodeId): LogIndex => {
    const { id, durability } = this.#replica;
    return node === id ? durability.index : (this.#followers.get(node)?.match ?? 0);
  };

  /** Whether the leader itself is `node`, or has heard from it within an election time-out. */
  readonly isActive = (node: NodeId): boolean => {
    const { id, config } = this.#replica;
    return node === id || (this.#followers.get(node)?.ticksSinceHeard ?? Infinity) < config.electionTicks;
  };

  tick(): void {
    for (const follower of this.#followers.values()) {
      follower.tick();
      if (follower.ticksLeaving >= this.#replica.config.electionTicks) this.#followers.delete(follower.node);
    }
  }

  sendToAll(): void {
    for (const follower of this.#followers.values()) this.send(follower);
  }

  /** Sends what the follower's state allows; says whether anything went out. */
  send(follower: FollowerProgress): boolean {
    if (follower.state === 'snapshot') return false;
    if (follower.state === 'probe') return !follower.held && this.#sendAppend(follower);
    const { log, config } = this.#replica;
    let sent = false;
    while (follower.next <= log.lastIndex && follower.inflight < config.appendsInflightMax) {
      if (!this.#sendAppend(follower)) break;
      sent = true;
    }
    return sent;
  }

  #sendAppend(follower: FollowerProgress, empty = false): boolean {
    const { id, term, log, commitIndex, config } = this.#replica;
    const prevLogIndex = follower.next - 1;
    const prevLogTerm = log.termAt(prevLogIndex);
    if (prevLogTerm === null) return this.#beginSnapshot(follower);
    const nothing = empty || follower.next > log.lastIndex;
    const entries = nothing ? NO_ENTRIES : log.batch(follower.next, config.appendBytesMax);
    const last = prevLogIndex + entries.length;
    this.#replica.send({
      type: 'append',
      from: id,
      to: follower.node,
      term,
      prevLogIndex,
      prevLogTerm,
      entries,
      leaderCommit: commitIndex,
    });
    follower.sent(last);
    follower.commitSent = Math.max(follower.commitSent, Math.min(commitIndex, last));
    return true;
  }

  heartbeat(follower: FollowerProgress, readRound: number): void {
    const { id, term, commitIndex } = this.#replica;
    // A follower may not have more than `match`, and must not commit what it has instead.
    const leaderCommit = Math.min(follower.match, commitIndex);
    follower.commitSent = Math.max(follower.commitSent, leaderCommit);
    this.#replica.send({ type: 'heartbeat', from: id, to: follower.node, term, leaderCommit, readRound });
  }

  /** Tells a follower how far it may apply, when no append is going to. */
  sendCommit(follower: FollowerProgress, readRound: number): void {
    if (Math.min(follower.match, this.#replica.commitIndex) > follower.commitSent) this.heartbeat(follower, readRound);
  }

  /** Says whether the follower got ahead. */
  appended(follower: FollowerProgress, answer: MessageOf<'appended'>): boolean {
    const { log } = this.#replica;
    if (!answer.success) {
      const hint = log.lastIndexWithTermAtMost(answer.matchIndex, answer.hintTerm).index;
      if (follower.refused(answer.rejectedIndex, hint)) this.send(follower);
      return false;
    }
    assert(
      answer.matchIndex <= log.lastIndex,
      `node ${answer.from} acknowledges ${answer.matchIndex}, the log ends at ${log.lastIndex}`,
    );
    const ahead = follower.matched(answer.matchIndex);
    const caughtUp = follower.transfer !== null && follower.match >= follower.transfer.snapshot.index;
    if (follower.state === 'probe' || caughtUp) follower.replicate();
    return ahead;
  }

  /** A heartbeat's answer shows that the connection works: whatever was lost on it is found out and sent again. */
  heartbeatAcknowledged(follower: FollowerProgress): void {
    const { config } = this.#replica;
    // Heartbeats for reads come often; what is under way gets its time.
    const stuck = follower.ticksStuck >= config.heartbeatTicks;
    if (follower.state === 'probe') {
      if (stuck) follower.held = false;
      this.send(follower);
    } else if (follower.state === 'replicate') {
      if (!stuck) return;
      // An empty append behind all that was sent: refused if something is missing, else its answer makes up for a lost one.
      follower.ticksStuck = 0;
      this.#sendAppend(follower, true);
    } else if (follower.transfer !== null && follower.transfer.ticksWaiting >= config.electionTicks) {
      this.#resumeSnapshot(follower);
    }
  }

  /** The transport lost its connection to a follower. */
  unreachable(node: NodeId): void {
    const follower = this.#followers.get(node);
    if (follower === undefined) return;
    follower.failures += 1;
    if (follower.state === 'replicate') follower.probe();
    // Not sent again at once: the next heartbeat that is answered does it.
    follower.held = true;
  }

  /** Sends the stored snapshot, wanted or not, unless one is on its way. @returns why it cannot be sent, or null */
  forceSnapshot(node: NodeId): RefusalReason | null {
    const follower = this.#followers.get(node);
    if (follower === undefined || this.#replica.snapshot === null) return 'invalid';
    if (follower.state !== 'snapshot') this.#startSnapshot(follower);
    return null;
  }

  #beginSnapshot(follower: FollowerProgress): boolean {
    // Nothing is read from the disk for a node that is not there; the answer to a heartbeat brings us back here.
    follower.held = true;
    if (this.isActive(follower.node)) this.#startSnapshot(follower);
    return false;
  }

  #startSnapshot(follower: FollowerProgress): void {
    const { snapshot } = this.#replica;
    assert(snapshot !== null, 'the log is compacted, but there is no snapshot');
    follower.sendSnapshot(snapshot, this.#replica.config.snapshotChunkBytes);
    this.#requestChunk(follower);
  }

  #resumeSnapshot(follower: FollowerProgress): void {
    const transfer = follower.transfer!;
    const { snapshot } = this.#replica;
    // The driver no longer has what was begun: the newest one instead.
    const gone = transfer.chunk === 'reading' && snapshot !== null && snapshot.index > transfer.snapshot.index;
    if (gone) {
      this.#startSnapshot(follower);
      return;
    }
    // A copy of a chunk that is only slow makes a thin link slower still.
    const chunkBytesMin = Math.ceil(this.#replica.config.snapshotChunkBytes * CHUNK_SHARE_MIN);
    if (transfer.chunk === 'sent') transfer.chunkBytes = Math.max(transfer.chunkBytes >> 1, chunkBytesMin);
    this.#requestChunk(follower);
  }

  #requestChunk(follower: FollowerProgress): void {
    const transfer = follower.transfer!;
    const { snapshot, offset } = transfer;
    const length = Math.min(transfer.chunkBytes, snapshot.size - offset);
    transfer.chunk = 'reading';
    transfer.ticksWaiting = 0;
    this.#replica.outbox.snapshotReads.push({ to: follower.node, index: snapshot.index, offset, length });
  }

  /** The driver has read a chunk. */
  sendChunk(input: Extract<Input, { type: 'snapshotChunk' }>): void {
    const follower = this.#followers.get(input.to);
    const transfer = follower?.transfer;
    if (follower === undefined || transfer === undefined || transfer === null) return;
    const { snapshot, offset, chunk } = transfer;
    if (chunk !== 'reading' || snapshot.index !== input.index || offset !== input.offset) return;
    const end = offset + input.data.length;
    assert(
      input.done === (end === snapshot.size),
      `chunk ${offset}…${end} of ${snapshot.size} bytes, done: ${input.done}`,
    );
    transfer.chunk = 'sent';
    transfer.sent += input.data.length;
    const { id, term } = this.#replica;
    const { data, done } = input;
    this.#replica.send({ type: 'installSnapshot', from: id, to: input.to, term, snapshot, offset, data, done });
  }

  /** Says whether the follower got ahead. */
  snapshotAcknowledged(follower: FollowerProgress, answer: MessageOf<'snapshotAck'>): boolean {
    const { transfer } = follower;
    if (answer.installed) {
      const ahead = follower.matched(answer.index);
      if (transfer !== null && answer.index >= transfer.snapshot.index) {
        this.#replica.outbox.event({
          type: 'snapshotSent',
          to: follower.node,
          index: answer.index,
          bytes: transfer.sent,
        });
        follower.probe();
        this.send(follower);
      }
      return ahead;
    }
    if (transfer === null || transfer.snapshot.index !== answer.index) return false;
    // An acknowledgement that does not go on from the chunk under way is a copy of an older one.
    if (answer.offset === transfer.offset && transfer.chunk !== null) return false;
    transfer.offset = answer.offset;
    this.#requestChunk(follower);
    return false;
  }

  /** The first entry that a compaction must leave, so that a snapshot on its way is of use when it arrives. */
  neededFrom(): LogIndex {
    let needed = Infinity;
    for (const { node, transfer } of this.#followers.values()) {
      const moves = transfer !== null && transfer.ticksWaiting < this.#replica.config.electionTicks;
      if (moves && this.isActive(node)) needed = Math.min(needed, transfer.snapshot.index + 1);
    }
    return needed;
  }

  /** The voter that is furthest ahead among those that answer; null when there is none. */
  mostAdvanced(voters: readonly NodeId[]): FollowerProgress | null {
    let best: FollowerProgress | null = null;
    for (const node of voters) {
      const follower = this.#followers.get(node);
      if (follower === undefined || !this.isActive(node)) continue;
      if (best === null || follower.match > best.match) best = follower;
    }
    return best;
  }
}
