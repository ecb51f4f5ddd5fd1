import { assert } from '../../../../kit/assert.ts';
import type { Hash64 } from '../../../../kit/hash.ts';

const SEGMENT_BYTES_MIN = 4 * 1024;
const SEGMENT_BYTES_MAX = 1024 * 1024;
/** In front of each row: its slot and its length, both u32, big-endian. */
const HEAD_BYTES = 8;
/** Dead bytes are borne up to this share of the living ones: less costs copying, more costs memory. */
const DEAD_SHARE_MAX = 1 / 3;

/** Rows behind one another, in the order in which they came; a row is never changed, only left behind. */
interface Segment {
  readonly bytes: Uint8Array;
  used: number;
  /** Bytes of rows that still count, heads included. */
  live: number;
}

/** The rows of one moment, whatever happens to the heap since. */
export interface FrozenRows {
  readonly count: number;
  /** The row at this place in the order that was given to `freeze`. */
  row(at: number): Uint8Array;
  /** No more rows will be asked for. */
  release(): void;
}

/**
 * Rows of bytes, each at a slot, with its hash. They live outside the garbage collector's heap in segments of up to 1 MiB that are only
 * appended to: a million rows are a few hundred objects. When too much of the segments is dead, the emptiest one is copied to the end and
 * given up (Rosenblum and Ousterhout, "The Design and Implementation of a Log-Structured File System", §3.4, greedy).
 */
export class RowHeap {
  readonly #segments: (Segment | null)[] = [];
  /** Numbers of segments that were given up. */
  readonly #segmentsFree: number[] = [];
  /** Of the segment that is written to; −1 while there is none. */
  #open = -1;
  #spare: Uint8Array | null = null;
  /** By slot: where the row is (segment, byte after its head), how long, and its hash. */
  #segmentOf = new Uint32Array(16);
  #startOf = new Uint32Array(16);
  #lengthOf = new Uint32Array(16);
  #hashHigh = new Uint32Array(16);
  #hashLow = new Uint32Array(16);
  /** How many hold the row; it goes with the last of them. */
  #holdersOf = new Uint32Array(16);
  readonly #slotsFree: number[] = [];
  #slots = 0;
  #used = 0;
  #live = 0;
  /** As long as somebody reads an earlier moment, segments are not used again. */
  #frozen = 0;

  /** Bytes of memory that the segments take. */
  get reservedBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + (segment?.bytes.length ?? 0), this.#spare?.length ?? 0);
  }

  /** Keeps a copy of the row. @returns its slot */
  add(row: Uint8Array, hash: Hash64): number {
    const slot = this.#slotsFree.pop() ?? this.#slots++;
    if (slot >= this.#lengthOf.length) this.#growSlots();
    this.#hashHigh[slot] = hash.hi;
    this.#hashLow[slot] = hash.lo;
    this.#lengthOf[slot] = row.length;
    this.#holdersOf[slot] = 1;
    this.#append(slot, row);
    this.#live += row.length + HEAD_BYTES;
    return slot;
  }

  /** One more holds the row. */
  share(slot: number): void {
    this.#holdersOf[slot]! += 1;
  }

  /** One less holds the row. */
  remove(slot: number): void {
    this.#holdersOf[slot]! -= 1;
    if (this.#holdersOf[slot]! > 0) return;
    const bytes = this.#lengthOf[slot]! + HEAD_BYTES;
    const number = this.#segmentOf[slot]!;
    const segment = this.#segments[number]!;
    segment.live -= bytes;
    this.#live -= bytes;
    // No position is the first byte of a segment: a row has its head in front.
    this.#startOf[slot] = 0;
    this.#slotsFree.push(slot);
    if (segment.live === 0 && number !== this.#open) this.#giveUp(number);
    else this.#compact();
  }

  /** Valid until the next change. */
  row(slot: number): Uint8Array {
    const start = this.#startOf[slot]!;
    return this.#segments[this.#segmentOf[slot]!]!.bytes.subarray(start, start + this.#lengthOf[slot]!);
  }

  /** Whether the row has, from byte `at` on, what `bytes` has from `from` to `to`. */
  holds(slot: number, at: number, bytes: Uint8Array, from: number, to: number): boolean {
    if (at + to - from > this.#lengthOf[slot]!) return false;
    const segment = this.#segments[this.#segmentOf[slot]!]!.bytes;
    const offset = this.#startOf[slot]! + at - from;
    for (let i = from; i < to; i++) {
      if (segment[offset + i] !== bytes[i]) return false;
    }
    return true;
  }

  length(slot: number): number {
    return this.#lengthOf[slot]!;
  }

  hash(slot: number): Hash64 {
    return { hi: this.#hashHigh[slot]!, lo: this.#hashLow[slot]! };
  }

  /** The rows at these slots as they are now, in this order. Costs some nanoseconds a row, and no copy of any. */
  freeze(slots: Uint32Array): FrozenRows {
    const count = slots.length;
    const numbers = new Uint32Array(count);
    const starts = new Uint32Array(count);
    const lengths = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!;
      numbers[i] = this.#segmentOf[slot]!;
      starts[i] = this.#startOf[slot]!;
      lengths[i] = this.#lengthOf[slot]!;
    }
    const segments = this.#segments.map((segment) => segment?.bytes);
    this.#frozen += 1;
    let released = false;
    return {
      count,
      row: (at) => segments[numbers[at]!]!.subarray(starts[at]!, starts[at]! + lengths[at]!),
      release: () => {
        if (!released) this.#frozen -= 1;
        released = true;
      },
    };
  }

  #append(slot: number, row: Uint8Array): void {
    const length = row.length;
    let segment = this.#open === -1 ? null : this.#segments[this.#open]!;
    if (segment === null || segment.used + HEAD_BYTES + length > segment.bytes.length) {
      segment = this.#openSegment(HEAD_BYTES + length);
    }
    const { bytes, used } = segment;
    putU32(bytes, used, slot);
    putU32(bytes, used + 4, length);
    const start = used + HEAD_BYTES;
    bytes.set(row, start);
    segment.used = start + length;
    segment.live += HEAD_BYTES + length;
    this.#used += HEAD_BYTES + length;
    this.#segmentOf[slot] = this.#open;
    this.#startOf[slot] = start;
  }

  /** A small state takes small segments; a row that fits in none has one of its own. */
  #openSegment(bytesMin: number): Segment {
    const before = this.#open;
    const wanted = Math.min(
      SEGMENT_BYTES_MAX,
      Math.max(SEGMENT_BYTES_MIN, 2 ** Math.ceil(Math.log2(this.#live / 8 + 1))),
    );
    let bytes = this.#spare;
    if (bytes === null || bytes.length < bytesMin) bytes = new Uint8Array(Math.max(wanted, bytesMin));
    else this.#spare = null;
    const segment: Segment = { bytes, used: 0, live: 0 };
    this.#open = this.#segmentsFree.pop() ?? this.#segments.length;
    this.#segments[this.#open] = segment;
    if (before !== -1 && this.#segments[before]!.live === 0) this.#giveUp(before);
    return segment;
  }

  #giveUp(number: number): void {
    const { bytes, used } = this.#segments[number]!;
    this.#used -= used;
    this.#segments[number] = null;
    this.#segmentsFree.push(number);
    if (this.#frozen === 0 && this.#spare === null && bytes.length <= SEGMENT_BYTES_MAX) this.#spare = bytes;
  }

  /** Copies at most one segment's rows, hence for a bounded time. */
  #compact(): void {
    const dead = this.#used - this.#live;
    if (dead < SEGMENT_BYTES_MIN || dead <= this.#live * DEAD_SHARE_MAX) return;
    const number = this.#emptiest();
    if (number === -1) return;
    const { bytes, used } = this.#segments[number]!;
    for (let at = 0; at < used; ) {
      const slot = u32(bytes, at);
      const length = u32(bytes, at + 4);
      const start = at + HEAD_BYTES;
      at = start + length;
      if (this.#segmentOf[slot] === number && this.#startOf[slot] === start)
        this.#append(slot, bytes.subarray(start, at));
    }
    this.#giveUp(number);
  }

  /** The closed segment with the most dead bytes for what copying it costs. */
  #emptiest(): number {
    let found = -1;
    let best = 1;
    for (const [number, segment] of this.#segments.entries()) {
      if (segment === null || number === this.#open) continue;
      const share = segment.live / segment.used;
      if (share < best) [found, best] = [number, share];
    }
    return found;
  }

  #growSlots(): void {
    const grown = (old: Uint32Array) => {
      const larger = new Uint32Array(old.length * 2);
      larger.set(old);
      return larger;
    };
    this.#segmentOf = grown(this.#segmentOf);
    this.#startOf = grown(this.#startOf);
    this.#lengthOf = grown(this.#lengthOf);
    this.#hashHigh = grown(this.#hashHigh);
    this.#hashLow = grown(this.#hashLow);
    this.#holdersOf = grown(this.#holdersOf);
    assert(this.#slots <= this.#lengthOf.length, `${this.#slots} slots in tables of ${this.#lengthOf.length}`);
  }
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
