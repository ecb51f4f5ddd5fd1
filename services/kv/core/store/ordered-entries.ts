import type { Entries } from './entries.ts';

const BLOCK_MAX = 512;

/**
 * A set of entries in ascending order of their ids, as a list of sorted blocks: adding and removing cost O(log n) comparisons and the move
 * of one block, and UUIDs of version 7 nearly always go to the end of the last one.
 */
export class OrderedEntries {
  readonly #entries: Pick<Entries, 'compare'>;
  /** None is empty. */
  #blocks: number[][] = [];

  constructor(entries: Pick<Entries, 'compare'>) {
    this.#entries = entries;
  }

  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  /** The one with the smallest id of a set that is not empty. */
  get first(): number {
    return this.#blocks[0]![0]!;
  }

  /** `entry` is not in the set. */
  add(entry: number): void {
    const at = Math.max(0, this.#blockOf(entry));
    const block = this.#blocks[at];
    if (block === undefined) {
      this.#blocks.push([entry]);
      return;
    }
    const position = this.#position(block, entry);
    if (position === block.length) block.push(entry);
    else block.splice(position, 0, entry);
    if (block.length > BLOCK_MAX) this.#blocks.splice(at + 1, 0, this.#splitAt(at, block));
  }

  /** A full last block stays as it is: what comes next is mostly greater. */
  #splitAt(at: number, block: number[]): number[] {
    return block.splice(at === this.#blocks.length - 1 ? block.length - 1 : block.length >> 1);
  }

  /** `entry` is in the set. */
  remove(entry: number): void {
    const at = this.#blockOf(entry);
    const block = this.#blocks[at]!;
    block.splice(this.#position(block, entry), 1);
    if (block.length === 0) this.#blocks.splice(at, 1);
  }

  /** At most `limit` entries with ids greater than that of `after`, which need not be in the set, or from the first one on. */
  page(limit: number, after: number | undefined): number[] {
    const entries: number[] = [];
    let at = after === undefined ? 0 : Math.max(0, this.#blockOf(after));
    for (; at < this.#blocks.length && entries.length < limit; at++) {
      const block = this.#blocks[at]!;
      let i = after === undefined ? 0 : this.#position(block, after);
      if (after !== undefined && i < block.length && this.#entries.compare(block[i]!, after) === 0) i += 1;
      for (; i < block.length && entries.length < limit; i++) entries.push(block[i]!);
    }
    return entries;
  }

  /** The last block whose first id is not greater; −1 when there is none. */
  #blockOf(entry: number): number {
    const last = this.#blocks.length - 1;
    if (last === -1 || this.#entries.compare(this.#blocks[last]![0]!, entry) <= 0) return last;
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries.compare(this.#blocks[middle]![0]!, entry) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Where `entry` is in the sorted block, or would be. */
  #position(block: readonly number[], entry: number): number {
    let low = 0;
    let high = block.length;
    // What is new is mostly the greatest.
    if (high > 0 && this.#entries.compare(block[high - 1]!, entry) < 0) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries.compare(block[middle]!, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
