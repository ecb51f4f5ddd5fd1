/** Sorting of what is nearly sorted already: a history's file has the order of the ends, and ends follow starts. */

/**
 * Sorts the first `count` numbers by what `by` has for them, ascending and stably. Insertion while that is cheap, which it is
 * when every number is near its place; otherwise a merge sort, so that the worst case is log-linear.
 */
export function sortBy(numbers: Int32Array, count: number, by: Float64Array): void {
  let movesLeft = count * 16;
  for (let index = 1; index < count; index++) {
    const number = numbers[index]!;
    const position = by[number]!;
    let place = index;
    for (; place > 0 && by[numbers[place - 1]!]! > position; place--) numbers[place] = numbers[place - 1]!;
    numbers[place] = number;
    movesLeft -= index - place;
    if (movesLeft < 0) {
      // Infinity minus itself is no number, and a comparison must not return that.
      numbers.subarray(0, count).sort((a, b) => (by[a]! < by[b]! ? -1 : by[a]! > by[b]! ? 1 : 0));
      return;
    }
  }
}

/** Rows of each key, in the order of the history: those of key `k` are `rows[offsets[k]] … rows[offsets[k + 1] - 1]`. */
export interface RowsByKey {
  readonly offsets: Int32Array;
  readonly rows: Int32Array;
}

/** A counting sort; rows with a negative key are left out. Both columns can be shared between threads. */
export function groupByKey(keys: Int32Array, keyCount: number): RowsByKey {
  const offsets = new Int32Array(new SharedArrayBuffer((keyCount + 1) * 4));
  for (let row = 0; row < keys.length; row++) if (keys[row]! >= 0) offsets[keys[row]! + 1]!++;
  for (let key = 0; key < keyCount; key++) offsets[key + 1]! += offsets[key]!;
  const rows = new Int32Array(new SharedArrayBuffer(offsets[keyCount]! * 4));
  const next = offsets.slice(0, keyCount);
  for (let row = 0; row < keys.length; row++) if (keys[row]! >= 0) rows[next[keys[row]!]!++] = row;
  return { offsets, rows };
}
