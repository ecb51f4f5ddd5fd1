/** A set of configurations, each some 32-bit words: exact (no two are ever taken for one), compact, and bounded. */

const WORDS_MIN = 1 << 12;
const SLOTS_MIN = 1 << 8;

export class VisitedSet {
  readonly #wordsMax: number;
  /** Records one behind the other: length, then the words. */
  #arena = new Int32Array(WORDS_MIN);
  #used = 0;
  /** Open addressing; position of the record plus 1, or 0. */
  #slots = new Int32Array(SLOTS_MIN);
  #count = 0;

  /** @param wordsMax how many words it may hold, 4 bytes each */
  constructor(wordsMax: number) {
    this.#wordsMax = wordsMax;
  }

  clear(): void {
    this.#used = 0;
    this.#count = 0;
    // After a large key a small one should not pay for emptying a large table.
    if (this.#slots.length > 1 << 16) this.#slots = new Int32Array(SLOTS_MIN);
    else this.#slots.fill(0);
  }

  /** Adds the first `length` words, of which the set takes a copy. */
  add(words: Int32Array, length: number): 'added' | 'known' | 'full' {
    let slot = hash(words, 0, length) & (this.#slots.length - 1);
    for (;;) {
      const record = this.#slots[slot]! - 1;
      if (record < 0) break;
      if (this.#isEqual(record, words, length)) return 'known';
      slot = (slot + 1) & (this.#slots.length - 1);
    }
    if (this.#used + length + 1 > this.#wordsMax) return 'full';
    if (this.#used + length + 1 > this.#arena.length) this.#growArena(length + 1);
    this.#slots[slot] = this.#used + 1;
    this.#arena[this.#used++] = length;
    for (let index = 0; index < length; index++) this.#arena[this.#used++] = words[index]!;
    if (++this.#count * 2 > this.#slots.length) this.#growSlots();
    return 'added';
  }

  #isEqual(record: number, words: Int32Array, length: number): boolean {
    const arena = this.#arena;
    if (arena[record] !== length) return false;
    for (let index = 0; index < length; index++) if (arena[record + 1 + index] !== words[index]) return false;
    return true;
  }

  #growArena(more: number): void {
    const arena = new Int32Array(Math.max(this.#arena.length * 2, this.#used + more));
    arena.set(this.#arena);
    this.#arena = arena;
  }

  #growSlots(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    for (let record = 0; record < this.#used; record += this.#arena[record]! + 1) {
      let slot = hash(this.#arena, record + 1, this.#arena[record]!) & (slots.length - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = record + 1;
    }
    this.#slots = slots;
  }
}

/** Spreads the words over the table; equality is always looked at, so that a collision costs time only. */
function hash(words: Int32Array, from: number, length: number): number {
  let mixed = length;
  for (let index = from; index < from + length; index++) {
    mixed = Math.imul(mixed ^ words[index]!, 0x9e3779b1);
    mixed ^= mixed >>> 15;
  }
  return mixed;
}
