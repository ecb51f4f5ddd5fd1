import { type Hash64, hash64 } from '../../../../kit/hash.ts';
import type { ByteWriter } from './bytes.ts';
import type { CommandView } from './command-view.ts';
import { HashTable } from './hash-table.ts';
import type { KeyedHash } from './keyed-hash.ts';
import { RowHeap } from './row-heap.ts';
import { keyEndOfResult, type Result, readResult, writeResult } from './rows.ts';
import type { Outcome } from './types.ts';

/** A remembered result and an entry with the same bytes must not have the same hash. */
const SEED = 1;
/** In place of the slot of an entry: there is none. */
const NONE = -1;
/** The order is moved up when more than half of it, and this many, are forgotten. */
const FORGOTTEN_MIN = 1024;

/** A result that is remembered: where it is, and the row of its entry. */
export interface Remembered extends Result {
  /** In the heap of the entries; −1 when the result has none. */
  readonly entry: number;
}

/** What comes or goes, for the hash and the size of the state. */
export interface ResultChange {
  readonly hash: Hash64;
  /** Length of its encoding, the entry's row included. */
  readonly bytes: number;
}

/** The results of one moment, in log order. */
export interface FrozenResults {
  readonly count: number;
  /** The row of a result, in the pieces in which it is kept. */
  parts(at: number): readonly Uint8Array[];
  /** No more rows will be asked for. */
  release(): void;
}

/** The results kept for idempotency keys, in log order. Each holds the row of its entry in the heap of the entries. */
export class Results {
  readonly #entries: RowHeap;
  readonly #rows = new RowHeap();
  readonly #hash: KeyedHash;
  /** By hash of the idempotency key: its slot + 1. */
  readonly #table = new HashTable();
  /** Slots in log order, behind those of results that are forgotten. */
  readonly #order: number[] = [];
  #forgotten = 0;
  /** By slot: that of the entry. */
  readonly #entryOf: number[] = [];
  /** By slot: the hash of the idempotency key. */
  readonly #hashOf: number[] = [];

  /** @param hash clients choose the keys, so they must not know which ones collide */
  constructor(entries: RowHeap, hash: KeyedHash) {
    this.#entries = entries;
    this.#hash = hash;
  }

  get size(): number {
    return this.#table.size;
  }

  get reservedBytes(): number {
    return this.#rows.reservedBytes;
  }

  /** What is remembered under the command's idempotency key. */
  get(command: CommandView): Remembered | undefined {
    const { from, to } = command.idempotencyKey;
    const hash = this.#hash.of(command.bytes, from, to);
    for (let place = this.#table.find(hash); place !== -1; place = this.#table.findNext(place, hash)) {
      const slot = this.#table.at(place) - 1;
      if (!this.#rows.holds(slot, 0, command.bytes, from, to)) continue;
      return { ...readResult(this.#rows.row(slot)), entry: this.#entryOf[slot]! };
    }
    return undefined;
  }

  /** @param entry slot of the entry it answers with, −1 for none */
  add(
    command: CommandView,
    result: { readonly fingerprint: Hash64; readonly outcome: Outcome; readonly entry: number },
    scratch: ByteWriter,
  ): ResultChange {
    const { fingerprint, outcome, entry } = result;
    writeResult(scratch, command, { fingerprint, outcome, hasEntry: entry !== NONE });
    const headBytes = scratch.length;
    if (entry !== NONE) {
      this.#entries.share(entry);
      scratch.raw(this.#entries.row(entry));
    }
    return this.#keep(scratch.view(), headBytes, entry);
  }

  /** Takes a row of a snapshot. @param entryOf finds or makes the slot for the row of an entry, held for the result */
  restore(row: Uint8Array, entryOf: (row: Uint8Array) => number): ResultChange {
    const { headBytes } = readResult(row);
    const entry = row.subarray(headBytes);
    return this.#keep(row, headBytes, entry.length === 0 ? NONE : entryOf(entry));
  }

  /** Forgets the oldest one. */
  forget(): ResultChange {
    const slot = this.#order[this.#forgotten++]!;
    const entry = this.#entryOf[slot]!;
    const bytes = this.#rows.length(slot) + (entry === NONE ? 0 : this.#entries.length(entry));
    const hash = this.#rows.hash(slot);
    let place = this.#table.find(this.#hashOf[slot]!);
    while (this.#table.at(place) !== slot + 1) place = this.#table.findNext(place, this.#hashOf[slot]!);
    this.#table.remove(place);
    if (this.#forgotten > FORGOTTEN_MIN && this.#forgotten * 2 > this.#order.length) {
      this.#order.splice(0, this.#forgotten);
      this.#forgotten = 0;
    }
    this.#rows.remove(slot);
    if (entry !== NONE) this.#entries.remove(entry);
    return { hash, bytes };
  }

  freeze(): FrozenResults {
    const slots = Uint32Array.from(this.#order.slice(this.#forgotten));
    const places = new Int32Array(slots.length).fill(NONE);
    const entrySlots: number[] = [];
    for (const [at, slot] of slots.entries()) {
      if (this.#entryOf[slot] !== NONE) places[at] = entrySlots.push(this.#entryOf[slot]!) - 1;
    }
    const heads = this.#rows.freeze(slots);
    const entries = this.#entries.freeze(Uint32Array.from(entrySlots));
    return {
      count: slots.length,
      parts: (at) => (places[at] === NONE ? [heads.row(at)] : [heads.row(at), entries.row(places[at]!)]),
      release: () => {
        heads.release();
        entries.release();
      },
    };
  }

  #keep(row: Uint8Array, headBytes: number, entry: number): ResultChange {
    const hash = hash64(row, SEED);
    const slot = this.#rows.add(row.subarray(0, headBytes), hash);
    const keyHash = this.#hash.of(row, 0, keyEndOfResult(row));
    this.#table.add(keyHash, slot + 1);
    this.#order.push(slot);
    this.#hashOf[slot] = keyHash;
    this.#entryOf[slot] = entry;
    return { hash, bytes: row.length };
  }
}
