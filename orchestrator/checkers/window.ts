/** The smallest set of operations that still cannot be ordered: what a person looks at. */

import { processName } from '../run/record.ts';
import { ABSENT, CREATE, DELETE, type History, NONE, OK, operationAt, READ, UNKNOWN } from './history.ts';
import { sortBy } from './order.ts';
import type { Search } from './search.ts';
import type { Violation } from './types.ts';

/** Operations that one look at a smaller set may take: more, and the set counts as one that can be ordered. */
const STEPS_MAX = 200_000;
/** Operations that a person can take in. A window that could not be made smaller in time is cut to so many. */
const SHOWN_MAX = 40;

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
    const first = Math.max(0, Math.min(impossible - SHOWN_MAX / 2, rows.length - SHOWN_MAX));
    return {
      key: history.keyNames[key]!,
      reason:
        rows.length > SHOWN_MAX
          ? `no order explains ${rows.length} operations, of which ${SHOWN_MAX} are shown; the smallest set was not found in time`
          : this.#reason(all, rows, rows[impossible]!),
      window: rows.slice(first, first + SHOWN_MAX).map((row) => operationAt(history, row)),
      impossible: impossible - first,
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
   * no kept read saw, then deletes if no kept operation saw absence, then creates if no kept operation needs presence. What
   * began after all of the kept had ended has no part in them. Of anything else it is enough that it ended before all of the
   * kept began: then it only set what they began with.
   */
  #before(all: Int32Array, kept: ArrayLike<number> & Iterable<number>): Before | undefined {
    const { kinds, outcomes, values, starts, ends } = this.#history;
    const isKept = new Set(kept);
    const read = new Set<number>();
    let begin = Number.POSITIVE_INFINITY;
    let end = Number.NEGATIVE_INFINITY;
    let seesAbsence = false;
    let needsPresence = false;
    for (const row of isKept) {
      if (starts[row]! < begin) begin = starts[row]!;
      if (outcomes[row] !== UNKNOWN && ends[row]! > end) end = ends[row]!;
      if (outcomes[row] === ABSENT) seesAbsence = true;
      else if (kinds[row] === READ) read.add(values[row]!);
      else if (kinds[row] !== CREATE) needsPresence = true;
    }
    let before: Before = 'absent';
    for (const row of all) {
      if (starts[row]! > end || isKept.has(row) || outcomes[row] === ABSENT || kinds[row] === READ) continue;
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
    const { kinds, outcomes, values, starts, ends, processes, nodes } = this.#history;
    const by = (row: number) => processName(processes[row]!);
    const said = `${by(impossible)} at node ${nodes[impossible]} ${this.#did(impossible)}`;
    const isRead = kinds[impossible] === READ && outcomes[impossible] === OK;
    const isWrite = (row: number) => kinds[row]! < DELETE && outcomes[row] !== ABSENT;
    const writes = all.filter((row) => isWrite(row) && values[row] === values[impossible]);
    if (isRead && writes.length === 0) return `${said}, which nobody wrote`;
    if (isRead && writes.every((row) => starts[row]! > ends[impossible]!)) return `${said} before its write began`;
    // Of what was over when it began, the last says most.
    const earlier = rows.filter((row) => ends[row]! < starts[impossible]!).sort((a, b) => ends[b]! - ends[a]!);
    const after = earlier.map((row) => ` after ${by(row)} ${this.#did(row)}`).slice(0, 1);
    const these = rows.length === 1 ? 'no order explains it' : `no order explains these ${rows.length} operations`;
    return `${said}${after.join('')}: ${these}`;
  }

  #did(row: number): string {
    const { kinds, outcomes, values, valueNames } = this.#history;
    const value = values[row] === NONE ? '' : ` ${JSON.stringify(valueNames[values[row]!])}`;
    if (outcomes[row] === ABSENT) return 'found no entry';
    return kinds[row] === DELETE ? 'deleted the entry' : `${PAST[kinds[row]!]}${value}`;
  }
}

/** By kind of operation. */
const PAST = ['created it as', 'wrote', 'deleted', 'read'];
