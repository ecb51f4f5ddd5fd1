/**
 * Linearizability of entries in log-linear time: the zones of Gibbons and Korach, "Testing Shared Memories" (SIAM J. Comput.
 * 26(4), 1997, section 4), in the light of Lee and Mathur, "Efficient Decrease-and-Conquer Linearizability Monitoring"
 * (arXiv 2410.04581): a history whose writes are told apart by their values needs no search.
 *
 * Applies to a key that was created at most once and under which no value was written twice. Then an order has the shape
 *
 *     I · C · (the other clusters in some order) · A
 *
 * where a *cluster* is a write with all reads of its value, C is the create's, I are observations of an entry that is not
 * there yet, and A is the one delete that found it with the observations of its absence: a second create would be needed to
 * go on. Reads of one value stand together behind their write, so a cluster is a block, and a history is linearizable exactly
 * if its blocks can be ordered. Let f(X) be the earliest end and s(X) the latest start of X's operations. An operation of X
 * ends before one of Y starts exactly if f(X) < s(Y): then X has to come before Y, written X → Y.
 *
 * **Within a block** a read may not end before its write starts: start(write) ≤ f(X). Ends are later than starts, so this says
 * it of every read.
 *
 * **Between the others.** An order exists exactly if → has no cycle. If it has one, it has one of length two: in a cycle let Z
 * be the block with the largest s, and N the one after it. f(Z) < s(N) ≤ s(Z). If N leads on to M, f(N) < s(M) ≤ s(Z), so
 * N → Z as well as Z → N. Two blocks with f(X) < s(Y) and f(Y) < s(X) are in conflict. Call [f, s] a forward zone if f < s and
 * [s, f] a backward zone otherwise: two forward zones are in conflict if they overlap, a forward and a backward one if the
 * backward one lies strictly inside, two backward ones never. So sorting by f finds every conflict.
 *
 * **C first** needs no X → C: s(C) ≤ f(X) for all others. **A last** needs no A → X: s(X) ≤ f(A). What remains between the
 * others is as above, since the ends of the order are settled.
 *
 * **I or A?** Let m be the earliest end of everything but observations of absence. One that starts after m cannot be in I. All
 * others can: nothing that is not in I precedes them (an observation of absence in A that ended before one in I started would
 * itself have started before m), and what leaves A can only make A's conditions weaker. So the choice is no choice.
 *
 * **Unknown outcomes** end at infinity. A write that nobody read may be taken never to have happened: without it every other
 * operation still sees what it saw. One that was read has to have happened, and f comes from its reads. The create has
 * happened if anything but absence was seen. Of deletes that nobody knows of, the one that started first does all that any
 * other could do, and is needed only if A is not empty and has no delete that is known to have found the entry.
 *
 * Ties: intervals are closed, hence the strict `<`. Reads of what nobody wrote, and a second delete that found the entry, have
 * no order at all.
 */
import { ABSENT, type Columns, CREATE, DELETE, NONE, OK, READ, UNKNOWN, UPDATE } from './history.ts';
import { sortBy } from './order.ts';

/** What keeps a key from having an order. `rows` are enough operations to show it, though not yet the fewest. */
export interface Conflict {
  readonly key: number;
  readonly rows: readonly number[];
}

/** What is decided of a key without a search. */
export const LINEARIZABLE = 0;
export const VIOLATED = 1;
/** Created or written twice: only a search can tell. */
export const UNDECIDED = 2;

const INFINITY = Number.POSITIVE_INFINITY;

export class Zones {
  /** {@link LINEARIZABLE}, {@link VIOLATED} or {@link UNDECIDED} by key. */
  readonly verdicts: Uint8Array;
  readonly #columns: Columns;
  /** By value: row of its write. */
  readonly #writer: Int32Array;
  /** By value: earliest end and latest start of its cluster. */
  readonly #f: Float64Array;
  readonly #s: Float64Array;
  /** By value: whether anybody read it. */
  readonly #read: Uint8Array;
  /** By key: row of the create, of the delete that found the entry, of the first delete of which nobody knows. */
  readonly #create: Int32Array;
  readonly #delete: Int32Array;
  readonly #maybeDelete: Int32Array;
  /** By key: m, see above. */
  readonly #m: Float64Array;
  /** By key: earliest end of the observations of absence in A. */
  readonly #absentEnd: Float64Array;
  /** By key: what shows a conflict: rows, or -1 - value for the operations that give that value's cluster its f and s. */
  readonly #found = new Map<number, readonly number[]>();
  /** Of the key that is being looked at: its values by f, and those with forward zones. */
  #sorted = new Int32Array(16);
  #forward = new Int32Array(16);

  constructor(columns: Columns) {
    const { keyCount, valueCount } = columns;
    this.#columns = columns;
    this.verdicts = new Uint8Array(keyCount);
    this.#writer = new Int32Array(valueCount).fill(NONE);
    this.#f = new Float64Array(valueCount).fill(INFINITY);
    this.#s = new Float64Array(valueCount).fill(-INFINITY);
    this.#read = new Uint8Array(valueCount);
    this.#create = new Int32Array(keyCount).fill(NONE);
    this.#delete = new Int32Array(keyCount).fill(NONE);
    this.#maybeDelete = new Int32Array(keyCount).fill(NONE);
    this.#m = new Float64Array(keyCount).fill(INFINITY);
    this.#absentEnd = new Float64Array(keyCount).fill(INFINITY);
    this.#gather();
    this.#gatherAbsences();
    this.#order();
  }

  /** Operations that cannot be ordered. @param rows all of the key's, which is {@link VIOLATED} */
  conflict(key: number, rows: Int32Array): Conflict {
    const found = this.#found.get(key) ?? [];
    const values = found.filter((entry) => entry < 0).map((entry) => -1 - entry);
    const shown = new Set(found.filter((entry) => entry >= 0));
    if (this.#create[key] !== NONE) shown.add(this.#create[key]!);
    for (const value of values) for (const row of this.#extremes(value, rows)) shown.add(row);
    return { key, rows: [...shown].sort((a, b) => a - b) };
  }

  /** One pass: writes, what was read of them, deletes. */
  #gather(): void {
    const { length, kinds, outcomes, keys, values, starts, ends } = this.#columns;
    const writer = this.#writer;
    const f = this.#f;
    const s = this.#s;
    const m = this.#m;
    for (let row = 0; row < length; row++) {
      const key = keys[row]!;
      const outcome = outcomes[row]!;
      if (key === NONE || outcome === ABSENT) continue;
      const kind = kinds[row]!;
      const start = starts[row]!;
      const end = ends[row]!;
      if (kind === DELETE) {
        this.#gatherDelete(key, row);
        continue;
      }
      const value = values[row]!;
      if (kind === READ) {
        if (outcome === UNKNOWN) continue;
        this.#read[value] = 1;
      } else {
        if (writer[value] !== NONE) this.verdicts[key] = UNDECIDED;
        writer[value] = row;
        if (kind === CREATE) {
          if (this.#create[key] !== NONE) this.verdicts[key] = UNDECIDED;
          this.#create[key] = row;
        }
      }
      if (end < f[value]!) f[value] = end;
      if (start > s[value]!) s[value] = start;
      if (end < m[key]!) m[key] = end;
    }
  }

  #gatherDelete(key: number, row: number): void {
    const { outcomes, starts, ends } = this.#columns;
    if (outcomes[row] === UNKNOWN) {
      const known = this.#maybeDelete[key]!;
      if (known === NONE || starts[row]! < starts[known]!) this.#maybeDelete[key] = row;
      return;
    }
    if (this.#delete[key] !== NONE) this.#found.set(key, [this.#delete[key]!, row]);
    this.#delete[key] = row;
    if (ends[row]! < this.#m[key]!) this.#m[key] = ends[row]!;
  }

  #gatherAbsences(): void {
    const { length, outcomes, keys, starts, ends } = this.#columns;
    const absentEnd = this.#absentEnd;
    for (let row = 0; row < length; row++) {
      if (outcomes[row] !== ABSENT) continue;
      const key = keys[row]!;
      if (starts[row]! > this.#m[key]! && ends[row]! < absentEnd[key]!) absentEnd[key] = ends[row]!;
    }
  }

  /** Blocks key by key. */
  #order(): void {
    const { keyCount } = this.#columns;
    const { offsets, values } = this.#happened();
    for (let key = 0; key < keyCount; key++) {
      if (this.verdicts[key] === UNDECIDED) continue;
      const shown = this.#found.get(key) ?? this.#orderKey(key, values.subarray(offsets[key]!, offsets[key + 1]!));
      if (shown === undefined) continue;
      this.#found.set(key, shown);
      this.verdicts[key] = VIOLATED;
    }
  }

  /** Values by key that were certainly written, in the order of their numbers, without that of the create. */
  #happened(): { offsets: Int32Array; values: Int32Array } {
    const { keyCount, valueCount, keys, outcomes, kinds } = this.#columns;
    const writer = this.#writer;
    const offsets = new Int32Array(keyCount + 1);
    const isBlock = (value: number) => {
      const row = writer[value]!;
      return row !== NONE && kinds[row] === UPDATE && (outcomes[row] === OK || this.#read[value] === 1);
    };
    for (let value = 0; value < valueCount; value++) if (isBlock(value)) offsets[keys[writer[value]!]! + 1]!++;
    for (let key = 0; key < keyCount; key++) offsets[key + 1]! += offsets[key]!;
    const next = offsets.slice(0, keyCount);
    const values = new Int32Array(offsets[keyCount]!);
    for (let value = 0; value < valueCount; value++) if (isBlock(value)) values[next[keys[writer[value]!]!]!++] = value;
    this.#findUnwritten();
    return { offsets, values };
  }

  /** Reads of values that nobody wrote. */
  #findUnwritten(): void {
    const { length, kinds, values, keys, outcomes } = this.#columns;
    if (!this.#writer.some((row, value) => row === NONE && this.#read[value] === 1)) return;
    for (let row = 0; row < length; row++)
      if (kinds[row] === READ && outcomes[row] === OK && this.#writer[values[row]!] === NONE)
        this.#found.set(keys[row]!, [row]);
  }

  /** What shows that the key's blocks have no order, as in `#found`; undefined if they have one. */
  #orderKey(key: number, values: Int32Array): readonly number[] | undefined {
    const hasHappened = this.#m[key]! < INFINITY;
    if (!hasHappened) return undefined;
    const create = this.#create[key]!;
    if (create === NONE) return [this.#firstPresence(key)];
    const first = this.#columns.values[create]!;
    if (!this.#isBlockSound(first)) return [-1 - first];
    const last = this.#last(key);
    if (!last.isSound) return last.rows;
    const firstStart = this.#s[first]!;
    if (firstStart > last.f) return [-1 - first, ...last.rows];
    for (const value of values) {
      if (!this.#isBlockSound(value)) return [-1 - value];
      if (this.#f[value]! < firstStart) return [-1 - value, -1 - first];
      if (this.#s[value]! > last.f) return [-1 - value, ...last.rows];
    }
    return this.#compare(values);
  }

  /** No read of the value ended before its write began. */
  #isBlockSound(value: number): boolean {
    return this.#columns.starts[this.#writer[value]!]! <= this.#f[value]!;
  }

  /** f(A), whether A itself has an order, and the rows that either comes from. */
  #last(key: number): { f: number; isSound: boolean; rows: readonly number[] } {
    const { starts, ends } = this.#columns;
    const absentEnd = this.#absentEnd[key]!;
    const isSeen = absentEnd < INFINITY;
    const row = this.#delete[key] !== NONE ? this.#delete[key]! : this.#maybeDelete[key]!;
    if (!isSeen && this.#delete[key] === NONE) return { f: INFINITY, isSound: true, rows: [] };
    const rows = isSeen ? [this.#firstAbsence(key)] : [];
    if (row !== NONE) rows.push(row);
    if (row !== NONE && starts[row]! <= absentEnd) return { f: Math.min(ends[row]!, absentEnd), isSound: true, rows };
    return { f: INFINITY, isSound: false, rows: [...rows, this.#firstPresence(key)] };
  }

  /** Conflicts between blocks other than the first and the last. */
  #compare(values: Int32Array): readonly number[] | undefined {
    const f = this.#f;
    const s = this.#s;
    const sorted = this.#sortByEnd(values);
    if (this.#forward.length < values.length) this.#forward = new Int32Array(values.length * 2);
    const forward = this.#forward;
    let forwards = 0;
    for (let index = 0; index < values.length; index++) {
      const value = sorted[index]!;
      if (f[value]! >= s[value]!) continue;
      if (forwards > 0 && s[forward[forwards - 1]!]! > f[value]!) return [-1 - forward[forwards - 1]!, -1 - value];
      forward[forwards++] = value;
    }
    if (forwards === 0) return undefined;
    for (let index = 0; index < values.length; index++) {
      const value = sorted[index]!;
      if (f[value]! < s[value]!) continue;
      // Forward zones do not overlap: the last one that begins before this zone also ends last.
      const around = lastBefore(forward, forwards, f, s[value]!);
      if (around !== NONE && s[around]! > f[value]!) return [-1 - around, -1 - value];
    }
    return undefined;
  }

  /** By f. Values are numbered in the order of the file, which is nearly that of their ends. */
  #sortByEnd(values: Int32Array): Int32Array {
    if (this.#sorted.length < values.length) this.#sorted = new Int32Array(values.length * 2);
    this.#sorted.set(values);
    sortBy(this.#sorted, values.length, this.#f);
    return this.#sorted;
  }

  /** The row with the earliest end that shows the entry to be there. */
  #firstPresence(key: number): number {
    const { keys, outcomes, ends, length } = this.#columns;
    for (let row = 0; row < length; row++)
      if (keys[row] === key && outcomes[row] === OK && ends[row] === this.#m[key]) return row;
    return NONE;
  }

  #firstAbsence(key: number): number {
    const { keys, outcomes, starts, ends, length } = this.#columns;
    for (let row = 0; row < length; row++)
      if (keys[row] === key && outcomes[row] === ABSENT && starts[row]! > this.#m[key]!)
        if (ends[row] === this.#absentEnd[key]) return row;
    return NONE;
  }

  /** Of a cluster: its write, and the operations with the earliest end and the latest start. */
  #extremes(value: number, rows: Int32Array): number[] {
    const { values, outcomes, starts, ends } = this.#columns;
    const shown: number[] = [];
    if (this.#writer[value] !== NONE) shown.push(this.#writer[value]!);
    const own = (row: number) => values[row] === value && (outcomes[row] === OK || row === this.#writer[value]);
    const earliest = rows.find((row) => own(row) && ends[row] === this.#f[value]);
    const latest = rows.find((row) => own(row) && starts[row] === this.#s[value]);
    if (earliest !== undefined) shown.push(earliest);
    if (latest !== undefined) shown.push(latest);
    return shown;
  }
}

/** The last of `count` values, which are in the order of f, whose f is smaller than `limit`; or {@link NONE}. */
function lastBefore(values: Int32Array, count: number, f: Float64Array, limit: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (f[values[middle]!]! < limit) low = middle + 1;
    else high = middle;
  }
  return low > 0 ? values[low - 1]! : NONE;
}
