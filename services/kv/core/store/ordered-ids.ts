const BLOCK_MAX = 512;

/**
 * A set of texts in ascending order, as a list of sorted blocks: adding and removing cost O(log n) comparisons and the move of one
 * block, and UUIDs of version 7 nearly always go to the end of the last one.
 */
export class OrderedIds {
  /** None is empty. */
  #blocks: string[][] = [];

  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  /** `id` is not in the set. */
  add(id: string): void {
    const at = Math.max(0, this.#blockOf(id));
    const block = this.#blocks[at];
    if (block === undefined) {
      this.#blocks.push([id]);
      return;
    }
    block.splice(position(block, id), 0, id);
    if (block.length > BLOCK_MAX) this.#blocks.splice(at + 1, 0, this.#splitAt(at, block));
  }

  /** A full last block stays as it is: what comes next is mostly greater. */
  #splitAt(at: number, block: string[]): string[] {
    return block.splice(at === this.#blocks.length - 1 ? block.length - 1 : block.length >> 1);
  }

  /** `id` is in the set. */
  remove(id: string): void {
    const at = this.#blockOf(id);
    const block = this.#blocks[at]!;
    block.splice(position(block, id), 1);
    if (block.length === 0) this.#blocks.splice(at, 1);
  }

  /** At most `limit` ids greater than `after`, or from the first one on. */
  page(limit: number, after: string | undefined): string[] {
    const ids: string[] = [];
    let at = after === undefined ? 0 : Math.max(0, this.#blockOf(after));
    for (; at < this.#blocks.length && ids.length < limit; at++) {
      const block = this.#blocks[at]!;
      let i = after === undefined ? 0 : position(block, after);
      if (block[i] === after) i += 1;
      for (; i < block.length && ids.length < limit; i++) ids.push(block[i]!);
    }
    return ids;
  }

  /** The last block whose first id is ≤ `id`; −1 when there is none. */
  #blockOf(id: string): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#blocks[middle]![0]! <= id) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** Where `id` is in the sorted block, or would be. */
function position(block: readonly string[], id: string): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (block[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
