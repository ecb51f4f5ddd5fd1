const EMPTY = 0;
const NOWHERE = -1;
const PLACES_MIN = 16;

/**
 * Numbers other than 0, each found by its 32-bit hash: open addressing with linear probing in two typed arrays, at most three quarters
 * full, and closed up behind what is removed (Knuth, TAOCP vol. 3, §6.4, algorithm R). Who uses it tells numbers with the same hash apart:
 *
 *     for (let place = table.find(hash); place !== -1; place = table.findNext(place, hash))
 */
export class HashTable {
  #values = new Int32Array(PLACES_MIN);
  #hashes = new Int32Array(PLACES_MIN);
  #mask = PLACES_MIN - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns the place of the first number with this hash, −1 when there is none; valid until the next `add` or `remove` */
  find(hash: number): number {
    return this.#seek(hash & this.#mask, hash | 0);
  }

  findNext(place: number, hash: number): number {
    return this.#seek((place + 1) & this.#mask, hash | 0);
  }

  at(place: number): number {
    return this.#values[place]!;
  }

  /** Puts another number with the same hash there. */
  replace(place: number, value: number): void {
    this.#values[place] = value;
  }

  /** Also when there is such a number already. */
  add(hash: number, value: number): void {
    if ((this.#size + 1) * 4 > this.#values.length * 3) this.#grow();
    this.#size += 1;
    this.#put(hash | 0, value);
  }

  remove(place: number): void {
    const values = this.#values;
    const hashes = this.#hashes;
    const mask = this.#mask;
    this.#size -= 1;
    let hole = place;
    for (let at = (place + 1) & mask; values[at] !== EMPTY; at = (at + 1) & mask) {
      // It may move to the hole unless it would then stand before the place where looking for it begins.
      if (((at - hashes[at]!) & mask) < ((at - hole) & mask)) continue;
      values[hole] = values[at]!;
      hashes[hole] = hashes[at]!;
      hole = at;
    }
    values[hole] = EMPTY;
  }

  #seek(from: number, hash: number): number {
    const values = this.#values;
    const hashes = this.#hashes;
    for (let at = from; values[at] !== EMPTY; at = (at + 1) & this.#mask) {
      if (hashes[at] === hash) return at;
    }
    return NOWHERE;
  }

  #put(hash: number, value: number): void {
    let at = hash & this.#mask;
    while (this.#values[at] !== EMPTY) at = (at + 1) & this.#mask;
    this.#values[at] = value;
    this.#hashes[at] = hash;
  }

  #grow(): void {
    const values = this.#values;
    const hashes = this.#hashes;
    this.#values = new Int32Array(values.length * 2);
    this.#hashes = new Int32Array(values.length * 2);
    this.#mask = values.length * 2 - 1;
    for (let at = 0; at < values.length; at++) {
      if (values[at] !== EMPTY) this.#put(hashes[at]!, values[at]!);
    }
  }
}
