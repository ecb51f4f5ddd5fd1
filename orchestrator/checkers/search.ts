/**
 * Linearizability of one register by search, for keys that `zones.ts` cannot decide: Wing and Gong, "Testing and Verifying
 * Concurrent Objects" (J. Parallel Distrib. Comput. 17, 1993), with the linked list and the memory of configurations of Lowe,
 * "Testing for Linearizability" (Concurrency Computat.: Pract. Exper. 29(4), 2017), which Porcupine uses, too.
 *
 * The register is absent or holds a value. `create` sets it; `update` and `delete` need it to be there (`ok`) or see that it is
 * not (`absent`); a read sees the value, or that it is absent. Operations that may come next are those whose start no end of
 * a remaining one precedes. Four things make the search small without changing its answer:
 *
 * 1. An observation that fits is taken at once. It changes nothing, so an order in which it comes later stays one when it is
 *    moved to the front.
 * 2. A value of which reads remain is not overwritten when no write of it remains; nor is absence, without a remaining delete.
 * 3. An operation of unknown outcome is taken only if it matters: an update if a read of its value remains, a delete if an
 *    observation of absence does, a create in either case of presence. Left out of an order, it would change what nobody sees.
 *    It need not be taken at all, so the search ends when all others are.
 * 4. Of unknown operations that do the same, the one that started first is taken first: they are interchangeable.
 */
import { ABSENT, type Columns, CREATE, DELETE, READ, UNKNOWN, UPDATE } from './history.ts';
import { sortBy } from './order.ts';
import { VisitedSet } from './visited.ts';

/** States beside the numbers of values. */
const NOTHING = -1;
/** Whatever operations before these had put there. */
const ANYTHING = -2;

export interface SearchLimits {
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  /** Operations that are taken, at most. */
  readonly stepsMax: number;
}

/** `out of …`: nobody knows. */
export type SearchResult = boolean | 'out of time' | 'out of memory';

const STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 4096;
/** 64 MB. */
const VISITED_WORDS_MAX = 1 << 24;

export class Search {
  readonly #columns: Columns;
  readonly #visited: VisitedSet;
  /** By value: definite reads and writes of any outcome that remain. */
  readonly #readsLeft: Int32Array;
  readonly #writesLeft: Int32Array;
  #absencesLeft = 0;
  #deletesLeft = 0;
  #definiteLeft = 0;

  /** Rows: the definite ones, then the open ones, each by start. Position in it is the number of an operation. */
  #rows = new Int32Array(0);
  #definite = 0;
  #count = 0;
  /** Linked list: 0 is its head, 1 + n the start of operation n, 1 + count + n its end. */
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  /** By operation: the open one before it that does the same, or -1. */
  #twin = new Int32Array(0);
  /** One bit an operation that was taken: words of the definite ones, then those of the open ones. */
  #taken = new Int32Array(0);
  #openWord = 0;
  /** The first definite operation that is not taken, and the last one that is. */
  #first = 0;
  #last = -1;
  #state = NOTHING;
  /** What was taken, in order, and what was true before. */
  #trail = new Int32Array(0);
  #trailState = new Int32Array(0);
  #trailLast = new Int32Array(0);
  /** 1 where another operation could have been taken instead. */
  #trailChoice = new Uint8Array(0);
  #depth = 0;
  #words = new Int32Array(0);

  /** @param visitedWordsMax how much may be remembered of where the search has been, 4 bytes each */
  constructor(columns: Columns, visitedWordsMax = VISITED_WORDS_MAX) {
    this.#columns = columns;
    this.#visited = new VisitedSet(visitedWordsMax);
    this.#readsLeft = new Int32Array(columns.valueCount);
    this.#writesLeft = new Int32Array(columns.valueCount);
  }

  /** Whether the operations, all of one key, can be ordered. @param before what the register held before them */
  run(rows: Iterable<number>, before: 'absent' | 'anything', limits: SearchLimits): SearchResult {
    this.#prepare(rows);
    this.#state = before === 'absent' ? NOTHING : ANYTHING;
    const result = this.#search(limits);
    this.#forget();
    return result;
  }

  #search({ deadline, stepsMax }: SearchLimits): SearchResult {
    let steps = 0;
    this.#observe();
    let node = this.#next[0]!;
    while (this.#definiteLeft > 0) {
      const chosen = this.#choose(node);
      if (chosen === 'full') return 'out of memory';
      if (chosen) {
        this.#observe();
        node = this.#next[0]!;
      } else {
        const undone = this.#backtrack();
        if (undone < 0) return false;
        node = this.#next[1 + undone]!;
      }
      if (++steps >= stepsMax) return 'out of time';
      if (steps % STEPS_BETWEEN_LOOKS_AT_THE_CLOCK === 0 && performance.now() > deadline) return 'out of time';
    }
    return true;
  }

  /** Takes every observation that may come next and fits. */
  #observe(): void {
    const { kinds, outcomes, values } = this.#columns;
    const state = this.#state;
    if (state === ANYTHING) return;
    let node = this.#next[0]!;
    while (this.#isStart(node)) {
      const row = this.#rows[node - 1]!;
      const fits =
        state === NOTHING
          ? outcomes[row] === ABSENT
          : kinds[row] === READ && values[row] === state && outcomes[row] !== ABSENT;
      if (!fits) node = this.#next[node]!;
      else {
        this.#take(node - 1, state, 0);
        // Its end may have been the next one, and is gone, too.
        node = this.#next[this.#previous[node]!]!;
      }
    }
  }

  /** Takes the first operation from `node` on that may come next and leads somewhere new. */
  #choose(node: number): boolean | 'full' {
    for (let at = node; this.#isStart(at); at = this.#next[at]!) {
      const operation = at - 1;
      const state = this.#stateAfter(operation);
      if (state === ANYTHING) continue;
      this.#take(operation, state, 1);
      const added = this.#remember();
      if (added === 'added') return true;
      this.#undo();
      if (added === 'full') return 'full';
    }
    return false;
  }

  /** What the register holds after the operation; {@link ANYTHING} if it may not come now, or need not. */
  #stateAfter(operation: number): number {
    const { kinds, outcomes, values } = this.#columns;
    const row = this.#rows[operation]!;
    const state = this.#state;
    const kind = kinds[row]!;
    if (outcomes[row] === ABSENT) return state === ANYTHING ? NOTHING : ANYTHING;
    const value = values[row]!;
    if (kind === READ) return state === ANYTHING ? value : ANYTHING;
    if (state === NOTHING && kind !== CREATE) return ANYTHING;
    if (outcomes[row] === UNKNOWN && !this.#matters(operation, kind, value)) return ANYTHING;
    if (state >= 0 && this.#readsLeft[state]! > 0 && this.#writesLeft[state] === 0) return ANYTHING;
    if (state === NOTHING && this.#absencesLeft > 0 && this.#deletesLeft === 0) return ANYTHING;
    return kind === DELETE ? NOTHING : value;
  }

  #matters(operation: number, kind: number, value: number): boolean {
    const twin = this.#twin[operation]!;
    if (twin >= 0 && !this.#isTaken(twin)) return false;
    if (kind === DELETE) return this.#absencesLeft > 0;
    return this.#readsLeft[value]! > 0 || (kind === CREATE && this.#state === NOTHING);
  }

  #isStart(node: number): boolean {
    return node > 0 && node <= this.#count;
  }

  #take(operation: number, state: number, choice: 0 | 1): void {
    const depth = this.#depth++;
    this.#trail[depth] = operation;
    this.#trailState[depth] = this.#state;
    this.#trailLast[depth] = this.#last;
    this.#trailChoice[depth] = choice;
    this.#state = state;
    this.#tally(this.#rows[operation]!, -1);
    this.#setBit(operation);
    this.#unlink(1 + operation);
    if (operation >= this.#definite) return;
    this.#unlink(1 + this.#count + operation);
    this.#definiteLeft--;
    if (operation > this.#last) this.#last = operation;
    while (this.#first < this.#definite && this.#isTaken(this.#first)) this.#first++;
  }

  #undo(): number {
    const depth = --this.#depth;
    const operation = this.#trail[depth]!;
    this.#state = this.#trailState[depth]!;
    this.#last = this.#trailLast[depth]!;
    this.#tally(this.#rows[operation]!, 1);
    this.#clearBit(operation);
    if (operation < this.#definite) {
      this.#link(1 + this.#count + operation);
      this.#definiteLeft++;
      if (operation < this.#first) this.#first = operation;
    }
    this.#link(1 + operation);
    return operation;
  }

  /** Goes back to before the last choice, and returns what was chosen; -1 if there was none. */
  #backtrack(): number {
    while (this.#depth > 0) {
      const operation = this.#undo();
      if (this.#trailChoice[this.#depth] === 1) return operation;
    }
    return -1;
  }

  /** Whether the search has been where it is now: what was taken, and the state. */
  #remember(): 'added' | 'known' | 'full' {
    const words = this.#words;
    const taken = this.#taken;
    let length = 0;
    words[length++] = this.#state;
    words[length++] = this.#first;
    for (let word = this.#first >> 5; word <= this.#last >> 5; word++) words[length++] = taken[word]!;
    const end = this.#openWord + ((this.#count - this.#definite + 31) >> 5);
    for (let word = this.#openWord; word < end; word++) words[length++] = taken[word]!;
    return this.#visited.add(words, length);
  }

  #tally(row: number, by: 1 | -1): void {
    const { kinds, outcomes, values } = this.#columns;
    if (outcomes[row] === ABSENT) this.#absencesLeft += by;
    else if (kinds[row] === DELETE) this.#deletesLeft += by;
    else if (kinds[row] === READ) this.#readsLeft[values[row]!]! += by;
    else this.#writesLeft[values[row]!]! += by;
  }

  #word(operation: number): number {
    if (operation < this.#definite) return operation >> 5;
    return this.#openWord + ((operation - this.#definite) >> 5);
  }

  #bit(operation: number): number {
    return 1 << ((operation < this.#definite ? operation : operation - this.#definite) & 31);
  }

  #isTaken(operation: number): boolean {
    return (this.#taken[this.#word(operation)]! & this.#bit(operation)) !== 0;
  }

  #setBit(operation: number): void {
    this.#taken[this.#word(operation)]! |= this.#bit(operation);
  }

  #clearBit(operation: number): void {
    this.#taken[this.#word(operation)]! &= ~this.#bit(operation);
  }

  /** Leaves its own links as they are, so that the reverse order of {@link #link} restores the list. */
  #unlink(node: number): void {
    this.#next[this.#previous[node]!] = this.#next[node]!;
    this.#previous[this.#next[node]!] = this.#previous[node]!;
  }

  #link(node: number): void {
    this.#next[this.#previous[node]!] = node;
    this.#previous[this.#next[node]!] = node;
  }

  #prepare(rows: Iterable<number>): void {
    const { starts, outcomes } = this.#columns;
    const all = Int32Array.from(rows);
    this.#resize(all.length);
    const definite = all.filter((row) => outcomes[row] !== UNKNOWN);
    for (const row of definite) this.#tally(row, 1);
    const open = all.filter((row) => outcomes[row] === UNKNOWN && this.#canMatter(row));
    for (const row of open) this.#tally(row, 1);
    sortBy(definite, definite.length, starts);
    sortBy(open, open.length, starts);
    this.#rows.set(definite);
    this.#rows.set(open, definite.length);
    this.#definite = definite.length;
    this.#definiteLeft = definite.length;
    this.#count = definite.length + open.length;
    this.#openWord = (definite.length + 31) >> 5;
    this.#taken.fill(0, 0, this.#openWord + ((open.length + 31) >> 5));
    this.#first = 0;
    this.#last = -1;
    this.#depth = 0;
    this.#visited.clear();
    this.#findTwins();
    this.#linkAll(definite);
  }

  /** Of an operation of unknown outcome: whether any order needs it. */
  #canMatter(row: number): boolean {
    const { kinds, values } = this.#columns;
    if (kinds[row] === READ) return false;
    if (kinds[row] === DELETE) return this.#absencesLeft > 0;
    return kinds[row] === CREATE || this.#readsLeft[values[row]!]! > 0;
  }

  #findTwins(): void {
    const { kinds, values } = this.#columns;
    const latest = new Map<number, number>();
    for (let operation = this.#definite; operation < this.#count; operation++) {
      const row = this.#rows[operation]!;
      const effect = kinds[row] === DELETE ? -1 : values[row]! * 2 + (kinds[row] === UPDATE ? 1 : 0);
      this.#twin[operation] = latest.get(effect) ?? -1;
      latest.set(effect, operation);
    }
  }

  /** Merges starts and ends into the list; at one moment starts come first, since intervals are closed. */
  #linkAll(definite: Int32Array): void {
    const { starts, ends } = this.#columns;
    const byEnd = definite.map((_, operation) => operation);
    const endOf = Float64Array.from(definite, (row) => ends[row]!);
    sortBy(byEnd, byEnd.length, endOf);
    let tail = 0;
    const append = (node: number) => {
      this.#next[tail] = node;
      this.#previous[node] = tail;
      tail = node;
    };
    let known = 0;
    let open = this.#definite;
    const startOf = (operation: number, end: number) =>
      operation < end ? starts[this.#rows[operation]!]! : Number.POSITIVE_INFINITY;
    for (const ending of byEnd) {
      for (;;) {
        const isKnown = startOf(known, this.#definite) <= startOf(open, this.#count);
        const operation = isKnown ? known : open;
        if (startOf(operation, isKnown ? this.#definite : this.#count) > endOf[ending]!) break;
        append(1 + operation);
        if (isKnown) known++;
        else open++;
      }
      append(1 + this.#count + ending);
    }
    // What starts after the last end can be left out of every order.
    this.#next[tail] = 0;
    this.#previous[0] = tail;
  }

  #resize(count: number): void {
    if (this.#rows.length >= count && this.#rows.length > 0) return;
    const size = count * 2 + 16;
    this.#rows = new Int32Array(size);
    this.#next = new Int32Array(2 * size + 1);
    this.#previous = new Int32Array(2 * size + 1);
    this.#twin = new Int32Array(size);
    this.#taken = new Int32Array((size >> 5) + 3);
    this.#words = new Int32Array((size >> 5) + 8);
    this.#trail = new Int32Array(size);
    this.#trailState = new Int32Array(size);
    this.#trailLast = new Int32Array(size);
    this.#trailChoice = new Uint8Array(size);
  }

  /** The counts by value are as long as the history: only those that were touched are set back. */
  #forget(): void {
    while (this.#depth > 0) this.#undo();
    for (let operation = 0; operation < this.#count; operation++) this.#tally(this.#rows[operation]!, -1);
  }
}
