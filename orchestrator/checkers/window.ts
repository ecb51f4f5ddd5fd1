/** The smallest set of operations that still cannot be ordered: what a person looks at. */
import { ABSENT, CREATE, DELETE, type History, OK, operationAt, READ } from './history.ts';
import { sortBy } from './order.ts';
import type { Search } from './search.ts';
import type { Violation } from './types.ts';

/** Operations that one look at a smaller set may take: more, and the set counts as one that can be ordered. */
const STEPS_MAX = 20_000;

type Before = Violation['before'];

export class WindowFinder {
  readonly #history: History;
  readonly #search: Search;
  readonly #deadline: number;

  /** @param deadline on the clock of `performance.now()`; then the smallest window so far is taken */
  constructor(history: History, search: Search, deadline: number) {
    this.#history = history;
    this.#search = search;
    this.#deadline = deadline;
  }

  /**
   * @param all rows of one key, which is not linearizable
   * @param conflict some of them, which may be enough to show it
   */
  find(key: number, all: Int32Array, conflict: readonly number[]): Violation {
    const history = this.#history;
    const shown = this.#cannotBeOrdered(all, conflict) ? Int32Array.from(conflict) : all.slice();
    sortBy(shown, shown.length, history.starts);
    const rows = this.#shrink(all, [...shown]);
    const impossible = this.#impossible(rows);
    return {
      key: history.keyNames[key]!,
      reason: this.#reason(all, rows, rows[impossible]!),
      window: rows.map((row) => operationAt(history, row)),
      impossible,
      before: this.#before(all, rows) ?? 'absent',
    };
  }

  /** Until no single operation can be spared. Observations go first: a write says more than one more read that saw it. */
  #shrink(all: Int32Array, operations: readonly number[]): number[] {
    const { kinds, outcomes, starts } = this.#history;
    const isObservation = (row: number) => kinds[row] === READ || outcomes[row] === ABSENT;
    let observations = operations.filter(isObservation);
    let writes = operations.filter((row) => !isObservation(row));
    for (let before = Number.POSITIVE_INFINITY; observations.length + writes.length < before; ) {
      before = observations.length + writes.length;
      observations = this.#spare(all, observations, writes);
      writes = this.#spare(all, writes, observations);
    }
    return [...observations, ...writes].sort((a, b) => starts[a]! - starts[b]! || a - b);
  }

  /** Leaves ever smaller pieces out of `operations`, beside others that stay: Zeller and Hildebrandt's delta debugging. */
  #spare(all: Int32Array, operations: readonly number[], others: readonly number[]): number[] {
    let kept = [...operations];
    for (let size = kept.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let from = 0; from < kept.length && performance.now() < this.#deadline; ) {
        const rest = kept.toSpliced(from, size);
        if (this.#cannotBeOrdered(all, [...rest, ...others])) kept = rest;
        else from += size;
      }
    }
    return kept;
  }

  /** Whether the operations show by themselves that all of them have no order. */
  #cannotBeOrdered(all: Int32Array, kept: ArrayLike<number> & Iterable<number>): boolean {
    if (kept.length === 0) return false;
    const before = this.#before(all, kept);
    if (before === undefined) return false;
    return this.#search.run(kept, before, { deadline: this.#deadline, stepsMax: STEPS_MAX }) === false;
  }

  /**
   * What the register may have held before the kept operations; undefined if without the others they prove nothing.
   *
   * An order of all has to leave an order of the kept when the others are taken out of it: observations first, then updates that
   * no kept read saw, then deletes if no kept operation saw absence, then creates if no kept operation needs presence. Of
   * anything else it is enough that it ended before all of the kept began: then it only set what they began with.
   */
  #before(all: Int32Array, kept: ArrayLike<number> & Iterable<number>): Before | undefined {
    const { kinds, outcomes, values, starts, ends } = this.#history;
    const isKept = new Set(kept);
    const read = new Set<number>();
    let begin = Number.POSITIVE_INFINITY;
    let seesAbsence = false;
    let needsPresence = false;
    for (const row of isKept) {
      begin = Math.min(begin, starts[row]!);
      if (outcomes[row] === ABSENT) seesAbsence = true;
      else if (kinds[row] === READ) read.add(values[row]!);
      else if (kinds[row] !== CREATE) needsPresence = true;
    }
    let before: Before = 'absent';
    for (const row of all) {
      if (isKept.has(row) || outcomes[row] === ABSENT || kinds[row] === READ) continue;
      const canGo =
        kinds[row] === DELETE ? !seesAbsence : !read.has(values[row]!) && !(kinds[row] === CREATE && needsPresence);
      if (canGo) continue;
      if (ends[row]! >= begin) return undefined;
      before = 'anything';
    }
    return before;
  }

  /** The last one that says what it saw. Any other could be blamed as well: without it the rest has an order. */
  #impossible(rows: readonly number[]): number {
    const { kinds, outcomes, starts } = this.#history;
    const weight = (row: number) => {
      if (kinds[row] === READ || outcomes[row] === ABSENT) return 2;
      return outcomes[row] === OK && kinds[row] !== CREATE ? 1 : 0;
    };
    let best = 0;
    for (const [index, row] of rows.entries()) {
      const ahead = weight(row) - weight(rows[best]!);
      if (ahead > 0 || (ahead === 0 && starts[row]! >= starts[rows[best]!]!)) best = index;
    }
    return best;
  }

  #reason(all: Int32Array, rows: readonly number[], impossible: number): string {
    const { kinds, outcomes, values, starts, ends, processes, nodes, valueNames } = this.#history;
    const who = `process ${processes[impossible]} at node ${nodes[impossible]}`;
    const value = values[impossible]!;
    if (kinds[impossible] === READ && outcomes[impossible] === OK) {
      const saw = `${who} read ${JSON.stringify(valueNames[value])}`;
      const writes = all.filter((row) => kinds[row]! < DELETE && outcomes[row] !== ABSENT && values[row] === value);
      if (writes.length === 0) return `${saw}, which nobody wrote`;
      if (writes.every((row) => starts[row]! > ends[impossible]!)) return `${saw} before its write began`;
      const written = Math.max(...writes.map((row) => ends[row]!));
      const later = rows.find(
        (row) =>
          kinds[row]! <= DELETE && outcomes[row] === OK && starts[row]! > written && ends[row]! < starts[impossible]!,
      );
      if (later !== undefined) return `${saw} after it had been ${this.#replacedBy(later)}`;
      return `${saw}: no order of these ${rows.length} operations explains it`;
    }
    const did = outcomes[impossible] === ABSENT ? 'found no entry' : `could ${KINDS[kinds[impossible]!]} the entry`;
    return `${who} ${did}: no order of ${rows.length === 1 ? 'operations' : `these ${rows.length} operations`} explains it`;
  }

  #replacedBy(row: number): string {
    const { kinds, values, processes, valueNames } = this.#history;
    if (kinds[row] === DELETE) return `deleted by process ${processes[row]}`;
    return `replaced by ${JSON.stringify(valueNames[values[row]!])} of process ${processes[row]}`;
  }
}

const KINDS = ['create', 'update', 'delete', 'read'];
