import { type Hash64, hashToHex } from '../../../kit/hash.ts';
import type { LogIndex, NodeId } from '../core/raft/types.ts';
import type { Checkpoint } from '../transport/frame.ts';

/** Every node notes a checkpoint when it has applied a multiple of this. */
export const CHECKPOINT_ENTRIES = 256;
/** How far back a peer's checkpoint can be compared. */
const HISTORY = 8192;
/** Checkpoints of peers that are ahead wait here; the newest ones suffice. */
const WAITING_MAX = 16;

export interface CheckpointEvents {
  compared(): void;
  diverged(from: NodeId, theirs: Checkpoint, own: string): void;
}

/**
 * Compares the hash of this node's state with those of its peers. The state's hash costs nothing to read, so it is remembered for every
 * index, and whatever index a peer names can be compared.
 */
export class Checkpoints {
  readonly #events: CheckpointEvents;
  /** By index modulo `HISTORY`: the hash in two halves. A text is made of it only when a peer is to see it. */
  readonly #hashes = new Uint32Array(2 * HISTORY);
  /** By index modulo `HISTORY`: whose hash it is; 0 for none. */
  readonly #indexes = new Float64Array(HISTORY);
  #applied: LogIndex = 0;
  #latest: Checkpoint = { index: 0, hash: '' };
  #offered: Checkpoint | null = null;
  readonly #sent = new Map<NodeId, LogIndex>();
  readonly #waiting = new Map<NodeId, Checkpoint[]>();

  constructor(events: CheckpointEvents) {
    this.#events = events;
  }

  /** The newest one at an index that all nodes use. */
  get latest(): Checkpoint {
    return this.#latest;
  }

  /** The state after applying `index` has this hash. */
  applied(index: LogIndex, hash: Hash64): void {
    this.#note(index, hash);
    if (index % CHECKPOINT_ENTRIES === 0) {
      this.#latest = { index, hash: hashToHex(hash) };
      this.#offered = this.#latest;
    }
    for (const [from, waiting] of this.#waiting) this.#compareWaiting(from, waiting);
  }

  /** The state was replaced by a snapshot. */
  restored(index: LogIndex, hash: Hash64): void {
    this.#indexes.fill(0);
    this.#note(index, hash);
    if (index > 0) this.#offered = { index, hash: hashToHex(hash) };
    for (const [from, waiting] of this.#waiting) this.#compareWaiting(from, waiting);
  }

  /** Offers the present state to the peers, also between the common indexes. @returns whether something is new */
  offerNow(): boolean {
    if (this.#applied === 0 || this.#applied === this.#offered?.index) return false;
    this.#offered = { index: this.#applied, hash: this.#hashAt(this.#applied)! };
    return true;
  }

  /** What `to` has not been sent yet. */
  forPeer(to: NodeId): Checkpoint | null {
    const offered = this.#offered;
    if (offered === null || this.#sent.get(to) === offered.index) return null;
    this.#sent.set(to, offered.index);
    return offered;
  }

  received(from: NodeId, checkpoint: Checkpoint): void {
    if (checkpoint.index <= this.#applied) {
      this.#compare(from, checkpoint);
      return;
    }
    const waiting = this.#waiting.get(from) ?? [];
    waiting.push(checkpoint);
    if (waiting.length > WAITING_MAX) waiting.shift();
    this.#waiting.set(from, waiting);
  }

  #note(index: LogIndex, { hi, lo }: Hash64): void {
    const at = index % HISTORY;
    this.#applied = index;
    this.#indexes[at] = index;
    this.#hashes[2 * at] = hi;
    this.#hashes[2 * at + 1] = lo;
  }

  /** Null when the state after `index` was not seen, or so long ago that it is forgotten. */
  #hashAt(index: LogIndex): string | null {
    const at = index % HISTORY;
    if (index === 0 || this.#indexes[at] !== index) return null;
    return hashToHex({ hi: this.#hashes[2 * at]!, lo: this.#hashes[2 * at + 1]! });
  }

  #compareWaiting(from: NodeId, waiting: Checkpoint[]): void {
    while (waiting.length > 0 && waiting[0]!.index <= this.#applied) this.#compare(from, waiting.shift()!);
    if (waiting.length === 0) this.#waiting.delete(from);
  }

  #compare(from: NodeId, theirs: Checkpoint): void {
    const own = this.#hashAt(theirs.index);
    if (own === null) return;
    this.#events.compared();
    if (own !== theirs.hash) this.#events.diverged(from, theirs, own);
  }
}
