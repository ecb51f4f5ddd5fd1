import { type Hash64, hash64 } from '../../../../kit/hash.ts';
import type { ByteWriter } from './bytes.ts';
import type { CommandView } from './command-view.ts';
import { RowHeap, slotsOf } from './row-heap.ts';
import { type Result, readResult, writeResult } from './rows.ts';
import type { Outcome } from './types.ts';

/** A remembered result and an entry with the same bytes must not have the same hash. */
const SEED = 1;
/** In place of the slot of an entry: there is none. */
const NONE = -1;

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
  /** In log order. */
  readonly #slots = new Map<string, number>();
  /** Walks along as the oldest are forgotten: an iterator begun anew would have to pass all that were. */
  readonly #oldest = this.#slots.keys();
  /** By slot: that of the entry. */
  readonly #entryOf: number[] = [];

  constructor(entries: RowHeap) {
    this.#entries = entries;
  }

  get size(): number {
    return this.#slots.size;
  }

  get reservedBytes(): number {
    return this.#rows.reservedBytes;
  }

  get(idempotencyKey: string): Remembered | undefined {
    const slot = this.#slots.get(idempotencyKey);
    return slot === undefined ? undefined : { ...readResult(this.#rows.row(slot)), entry: this.#entryOf[slot]! };
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
    return this.#keep(command.text('idempotencyKey'), scratch.view(), headBytes, entry);
  }

  /** Takes a row of a snapshot. @param entryOf finds or makes the slot for the row of an entry, held for the result */
  restore(row: Uint8Array, entryOf: (row: Uint8Array) => number): ResultChange {
    const { idempotencyKey, headBytes } = readResult(row);
    const entry = row.subarray(headBytes);
    return this.#keep(idempotencyKey, row, headBytes, entry.length === 0 ? NONE : entryOf(entry));
  }

  /** Forgets the oldest one. */
  forget(): ResultChange {
    const key = this.#oldest.next().value!;
    const slot = this.#slots.get(key)!;
    const entry = this.#entryOf[slot]!;
    const bytes = this.#rows.length(slot) + (entry === NONE ? 0 : this.#entries.length(entry));
    const hash = this.#rows.hash(slot);
    this.#slots.delete(key);
    this.#rows.remove(slot);
    if (entry !== NONE) this.#entries.remove(entry);
    return { hash, bytes };
  }

  freeze(): FrozenResults {
    const slots = slotsOf(this.#slots);
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

  #keep(key: string, row: Uint8Array, headBytes: number, entry: number): ResultChange {
    const hash = hash64(row, SEED);
    const slot = this.#rows.add(row.subarray(0, headBytes), hash);
    this.#slots.set(key, slot);
    this.#entryOf[slot] = entry;
    return { hash, bytes: row.length };
  }
}
