import type { LogIndex, NodeId, Progress, SnapshotMeta } from './types.ts';

/** A snapshot on its way to a follower, one chunk at a time. */
export interface SnapshotTransfer {
  readonly snapshot: SnapshotMeta;
  /** Bytes the follower has acknowledged; the chunk under way begins here. */
  offset: number;
  /** Length of the next chunk: less, after one that took too long. */
  chunkBytes: number;
  /** Bytes sent, those sent twice included. */
  sent: number;
  /** The chunk under way: being read from this node's disk, or sent and not acknowledged; null when none is. */
  chunk: 'reading' | 'sent' | null;
  /** Ticks since the follower last got ahead. */
  ticksWaiting: number;
}

/**
 * What the leader knows of one follower, and how it sends to it:
 *
 *   probe      where the logs part is not known; one append at a time, held until it is answered
 *   replicate  they agree up to `match`; appends are sent without waiting (§10.2), `next` runs ahead
 *   snapshot   what it needs is compacted; no appends until the snapshot is there
 */
export class FollowerProgress {
  readonly node: NodeId;
  learner: boolean;
  state: 'probe' | 'replicate' | 'snapshot' = 'probe';
  /** Durable at the follower and equal to this log. */
  match: LogIndex = 0;
  /** The next entry to send. */
  next: LogIndex;
  /** In `probe`: an append is under way. */
  held = false;
  /** The highest commit index that was sent to it. */
  commitSent: LogIndex = 0;
  /** The newest read round it has acknowledged (§6.4). */
  readRound = 0;
  transfer: SnapshotTransfer | null = null;
  ticksSinceHeard = 0;
  failures = 0;
  /** No longer in the configuration. */
  leaves = false;
  ticksLeaving = 0;
  /** Ticks during which an append was under way and `match` stood still. */
  ticksStuck = 0;
  /** Last index of each append under way, ascending. */
  readonly #inflight: LogIndex[] = [];

  constructor(node: NodeId, next: LogIndex, learner: boolean) {
    this.node = node;
    this.next = next;
    this.learner = learner;
  }

  get inflight(): number {
    return this.#inflight.length;
  }

  tick(): void {
    this.ticksSinceHeard += 1;
    this.ticksLeaving = this.leaves ? this.ticksLeaving + 1 : 0;
    if (this.transfer !== null) this.transfer.ticksWaiting += 1;
    if (this.state === 'probe' ? this.held : this.next > this.match + 1) this.ticksStuck += 1;
  }

  heard(): void {
    this.ticksSinceHeard = 0;
    this.failures = 0;
  }

  /** An append with entries up to `last` was handed to the network. */
  sent(last: LogIndex): void {
    if (this.state === 'probe') {
      this.held = true;
      this.ticksStuck = 0;
    } else if (last >= this.next) {
      this.#inflight.push(last);
      this.next = last + 1;
    }
  }

  /** The follower has everything up to `index`. Says whether that is news. */
  matched(index: LogIndex): boolean {
    this.next = Math.max(this.next, index + 1);
    if (index <= this.match) return false;
    this.match = index;
    this.ticksStuck = 0;
    let done = 0;
    while (done < this.#inflight.length && this.#inflight[done]! <= index) done += 1;
    if (done > 0) this.#inflight.splice(0, done);
    return true;
  }

  /** The follower refused an append after `rejected`; the logs may agree at `hint`. Says whether the refusal is still of interest. */
  refused(rejected: LogIndex, hint: LogIndex): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.probe();
      return true;
    }
    if (this.state === 'snapshot' || rejected !== this.next - 1) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.held = false;
    return true;
  }

  probe(): void {
    this.state = 'probe';
    this.next = this.match + 1;
    this.held = false;
    this.transfer = null;
    this.#forgetInflight();
  }

  replicate(): void {
    this.state = 'replicate';
    this.next = this.match + 1;
    this.transfer = null;
    this.#forgetInflight();
  }

  sendSnapshot(snapshot: SnapshotMeta, chunkBytes: number): void {
    this.state = 'snapshot';
    this.next = snapshot.index + 1;
    this.transfer = { snapshot, offset: 0, chunkBytes, sent: 0, chunk: null, ticksWaiting: 0 };
    this.#forgetInflight();
  }

  status(electionTicks: number): Progress {
    const { node, match, next, state, inflight, learner, ticksSinceHeard, failures, transfer } = this;
    return {
      node,
      matchIndex: match,
      nextIndex: next,
      state,
      inflight,
      active: ticksSinceHeard < electionTicks,
      learner,
      ticksSinceHeard,
      failures,
      snapshot:
        transfer === null
          ? null
          : { index: transfer.snapshot.index, offset: transfer.offset, size: transfer.snapshot.size },
    };
  }

  #forgetInflight(): void {
    this.#inflight.length = 0;
    this.ticksStuck = 0;
  }
}
