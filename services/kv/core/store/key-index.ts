import type { Entries } from './entries.ts';
import { HashTable } from './hash-table.ts';
import type { KeyedHash } from './keyed-hash.ts';
import { OrderedEntries } from './ordered-entries.ts';
import type { RowHeap } from './row-heap.ts';
import { KEY_AT } from './rows.ts';

/**
 * The entries with a given key. Keys are not unique, but mostly there is one entry each, which then takes no set. A key is bytes from `from`
 * to `to`, its length in front, and is compared with the rows: the index holds none.
 */
export class KeyIndex {
  readonly #entries: Entries;
  readonly #rows: RowHeap;
  readonly #hash: KeyedHash;
  /** By hash of the key: the number of its entry, or −1 − the place of a set. */
  readonly #table = new HashTable();
  readonly #sets: (OrderedEntries | null)[] = [];
  readonly #setsFree: number[] = [];

  /** @param hash clients choose the keys, so they must not know which ones collide */
  constructor(entries: Entries, rows: RowHeap, hash: KeyedHash) {
    this.#entries = entries;
    this.#rows = rows;
    this.#hash = hash;
  }

  add(bytes: Uint8Array, from: number, to: number, entry: number): void {
    const hash = this.#hash.of(bytes, from, to);
    const place = this.#find(hash, bytes, from, to);
    if (place === -1) {
      this.#table.add(hash, entry);
      return;
    }
    const known = this.#table.at(place);
    if (known < 0) this.#set(known).add(entry);
    else this.#table.replace(place, this.#newSet(known, entry));
  }

  /** `entry` is among those of the key, and its row is still there. */
  remove(bytes: Uint8Array, from: number, to: number, entry: number): void {
    const place = this.#find(this.#hash.of(bytes, from, to), bytes, from, to);
    const known = this.#table.at(place);
    if (known < 0) {
      const several = this.#set(known);
      several.remove(entry);
      if (!several.isEmpty) return;
      this.#sets[-1 - known] = null;
      this.#setsFree.push(-1 - known);
    }
    this.#table.remove(place);
  }

  /** At most `limit` entries with this key, ascending by id, with ids greater than that of `after`. */
  page(bytes: Uint8Array, limit: number, after: number | undefined): number[] {
    const place = this.#find(this.#hash.of(bytes, 0, bytes.length), bytes, 0, bytes.length);
    if (place === -1) return [];
    const known = this.#table.at(place);
    if (known < 0) return this.#set(known).page(limit, after);
    return after !== undefined && this.#entries.compare(known, after) <= 0 ? [] : [known];
  }

  #find(hash: number, bytes: Uint8Array, from: number, to: number): number {
    let place = this.#table.find(hash);
    while (place !== -1 && !this.#isAt(place, bytes, from, to)) place = this.#table.findNext(place, hash);
    return place;
  }

  #isAt(place: number, bytes: Uint8Array, from: number, to: number): boolean {
    const known = this.#table.at(place);
    const entry = known < 0 ? this.#set(known).first : known;
    return this.#rows.holds(this.#entries.slot(entry), KEY_AT, bytes, from, to);
  }

  #set(known: number): OrderedEntries {
    return this.#sets[-1 - known]!;
  }

  #newSet(first: number, second: number): number {
    const several = new OrderedEntries(this.#entries);
    several.add(first);
    several.add(second);
    const at = this.#setsFree.pop() ?? this.#sets.length;
    this.#sets[at] = several;
    return -1 - at;
  }
}
