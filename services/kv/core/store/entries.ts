import { assert } from '../../../../kit/assert.ts';
import { HashTable } from './hash-table.ts';

/** In place of an entry's number: there is none. */
export const NO_ENTRY = 0;

const WORDS = 4;

/**
 * The entries that there are, each with a number from its creation to its deletion: its id, where its row is, and the index by id. Ids are
 * kept as words here, so that comparing two touches no row and makes no text.
 */
export class Entries {
  /** By number: the id, big-endian. At number 0 stands what is looked for. */
  #ids = new Uint32Array(16 * WORDS);
  /** By number: the slot of its row. */
  #slots = new Uint32Array(16);
  readonly #numbersFree: number[] = [];
  #numbers = 1;
  readonly #table = new HashTable();

  get size(): number {
    return this.#table.size;
  }

  /** @param at where the 16 bytes of the id are @returns the entry with this id, 0 when there is none */
  find(bytes: Uint8Array, at: number): number {
    const place = this.#placeOf(this.sought(bytes, at));
    return place === -1 ? NO_ENTRY : this.#table.at(place);
  }

  /** @returns the number under which `compare` knows this id, until the next `find` or `sought` */
  sought(bytes: Uint8Array, at: number): number {
    this.#setId(NO_ENTRY, bytes, at);
    return NO_ENTRY;
  }

  /** There is no entry with this id. @returns its number */
  add(bytes: Uint8Array, at: number, slot: number): number {
    const entry = this.#numbersFree.pop() ?? this.#numbers++;
    if (entry >= this.#slots.length) this.#grow();
    this.#setId(entry, bytes, at);
    this.#slots[entry] = slot;
    this.#table.add(this.#hashOf(entry), entry);
    return entry;
  }

  remove(entry: number): void {
    const place = this.#placeOf(entry);
    assert(place !== -1 && this.#table.at(place) === entry, `there is no entry ${entry}`);
    this.#table.remove(place);
    this.#numbersFree.push(entry);
  }

  /** Of its row. */
  slot(entry: number): number {
    return this.#slots[entry]!;
  }

  /** Its row is at another slot now. */
  move(entry: number, slot: number): void {
    this.#slots[entry] = slot;
  }

  /** @returns less than, equal to or greater than 0, as the id of `a` is before, that of, or after `b` */
  compare(a: number, b: number): number {
    const ids = this.#ids;
    for (let i = 0; i < WORDS; i++) {
      const difference = ids[a * WORDS + i]! - ids[b * WORDS + i]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #placeOf(sought: number): number {
    const hash = this.#hashOf(sought);
    let place = this.#table.find(hash);
    while (place !== -1 && this.compare(this.#table.at(place), sought) !== 0) place = this.#table.findNext(place, hash);
    return place;
  }

  /** Nodes make the ids, not their clients, so any hash that mixes well will do. */
  #hashOf(entry: number): number {
    const ids = this.#ids;
    let hash = 0;
    for (let i = 0; i < WORDS; i++) {
      hash = Math.imul(hash ^ ids[entry * WORDS + i]!, 0x85ebca6b);
      hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
      hash ^= hash >>> 16;
    }
    return hash;
  }

  #setId(entry: number, bytes: Uint8Array, at: number): void {
    for (let i = 0, from = at; i < WORDS; i++, from += 4) {
      this.#ids[entry * WORDS + i] =
        (bytes[from]! << 24) | (bytes[from + 1]! << 16) | (bytes[from + 2]! << 8) | bytes[from + 3]!;
    }
  }

  #grow(): void {
    const ids = new Uint32Array(this.#ids.length * 2);
    const slots = new Uint32Array(this.#slots.length * 2);
    ids.set(this.#ids);
    slots.set(this.#slots);
    this.#ids = ids;
    this.#slots = slots;
  }
}
