import { CALMS, type Reduction, reduce } from './reduction.ts';
import type { Failure, Outcome, Plan } from './types.ts';

export interface ShrinkOptions {
  /** Most runs to try. */
  readonly runsMax: number;
  /** Told after each smaller plan. */
  readonly onProgress?: (step: { readonly runs: number; readonly faults: number; readonly operations: number }) => void;
  /** Whether to end now, with what was found so far. */
  readonly isCancelled?: () => boolean;
}

/** Repeats a plan; must be deterministic. */
export type Runner<P extends Plan> = (plan: P) => Outcome;

export interface Shrunk<P extends Plan> {
  readonly reduction: Reduction;
  readonly plan: P;
  /** Of the smaller plan; its failure breaks the same invariant. */
  readonly outcome: Outcome & { readonly failure: Failure };
  readonly runs: number;
}

/**
 * Makes a failing plan smaller as long as the same invariant fails: fewer faults, fewer operations (delta debugging, Zeller and
 * Hildebrandt 2002, ddmin), fair weather, fewer nodes, an earlier end. The result is not the smallest plan there is, but nothing single
 * can be taken from it, unless the runs were used up. It yields after each run, so that whoever drives it can look after other things.
 * @throws RangeError when `plan` does not fail
 */
export function* shrink<P extends Plan>(
  plan: P,
  run: Runner<P>,
  options: ShrinkOptions,
): Generator<undefined, Shrunk<P>, undefined> {
  const first = run(plan);
  if (first.failure === null) throw new RangeError(`seed ${plan.seed} does not fail: there is nothing to make smaller`);
  const search = new Search(plan, run, options, { ...first, failure: first.failure });
  yield* search.dropWhatCameAfter();
  let size = Infinity;
  while (search.size < size) {
    size = search.size;
    yield* search.drop('faults');
    yield* search.drop('operations');
    yield* search.calm();
    yield* search.dropNodes();
  }
  yield* search.healEarlier();
  return search.result();
}

type List = 'faults' | 'operations';

class Search<P extends Plan> {
  readonly #plan: P;
  readonly #run: Runner<P>;
  readonly #options: ShrinkOptions;
  #best: Outcome & { readonly failure: Failure };
  #reduction: Required<Pick<Reduction, List>> & Reduction;
  #runs = 1;

  constructor(plan: P, run: Runner<P>, options: ShrinkOptions, first: Outcome & { readonly failure: Failure }) {
    this.#plan = plan;
    this.#run = run;
    this.#options = options;
    this.#best = first;
    this.#reduction = { faults: plan.faults.map((_, i) => i), operations: plan.operations.map((_, i) => i) };
  }

  /** Of the smallest plan so far: whatever could be taken away. */
  get size(): number {
    const { faults, operations, calm, nodes } = this.#reduction;
    return faults.length + operations.length + CALMS.length - (calm?.length ?? 0) + (nodes ?? this.#plan.nodes);
  }

  get #isOver(): boolean {
    return this.#runs >= this.#options.runsMax || this.#options.isCancelled?.() === true;
  }

  /** Keeps a reduction if the run still breaks the same invariant; says so. */
  *#try(change: Reduction): Generator<undefined, boolean, undefined> {
    if (this.#isOver) return false;
    const reduction = { ...this.#reduction, ...change };
    const outcome = this.#run(reduce(this.#plan, reduction));
    this.#runs += 1;
    yield;
    const { failure } = outcome;
    if (failure === null || failure.invariant !== this.#best.failure.invariant) return false;
    this.#reduction = reduction;
    this.#best = { ...outcome, failure };
    const { faults, operations } = reduction;
    this.#options.onProgress?.({ runs: this.#runs, faults: faults.length, operations: operations.length });
    return true;
  }

  /** What begins after the failure cannot have caused it. */
  *dropWhatCameAfter(): Generator<undefined, void, undefined> {
    const { atUs } = this.#best.failure;
    const before = (list: List) => this.#reduction[list].filter((i) => this.#plan[list][i]!.atUs <= atUs);
    yield* this.#try({ faults: before('faults'), operations: before('operations') });
  }

  /** ddmin: takes away ever smaller parts of the list, until no single item can go. */
  *drop(list: List): Generator<undefined, void, undefined> {
    if (this.#reduction[list].length > 0 && (yield* this.#try({ [list]: [] }))) return;
    let parts = 2;
    while (this.#reduction[list].length >= 2 && !this.#isOver) {
      const kept = this.#reduction[list];
      const length = Math.ceil(kept.length / parts);
      const starts = Array.from({ length: Math.ceil(kept.length / length) }, (_, part) => part * length);
      // From the end: what happened long before the failure matters more often than what came last.
      let smaller = false;
      for (const start of starts.reverse()) {
        smaller = yield* this.#try({ [list]: kept.toSpliced(start, length) });
        if (smaller) break;
      }
      if (smaller) parts = Math.max(parts - 1, 2);
      else if (length === 1) return;
      else parts = Math.min(parts * 2, kept.length);
    }
  }

  *calm(): Generator<undefined, void, undefined> {
    for (const part of CALMS) {
      const calm = this.#reduction.calm ?? [];
      if (!calm.includes(part)) yield* this.#try({ calm: [...calm, part] });
    }
  }

  *dropNodes(): Generator<undefined, void, undefined> {
    const { nodes = this.#plan.nodes } = this.#reduction;
    for (const fewer of [1, 2, 3, 4]) if (fewer < nodes && (yield* this.#try({ nodes: fewer }))) return;
  }

  /** A failure of liveness comes after the healing: the sooner that is, the shorter is the run. */
  *healEarlier(): Generator<undefined, void, undefined> {
    for (const share of [0.1, 0.25, 0.5, 0.75]) {
      if (yield* this.#try({ healAtUs: Math.round(this.#plan.healAtUs * share) })) return;
    }
  }

  result(): Shrunk<P> {
    const reduction = this.#withoutWhatIsWhole();
    return { reduction, plan: reduce(this.#plan, reduction), outcome: this.#best, runs: this.#runs };
  }

  #withoutWhatIsWhole(): Reduction {
    const { faults, operations, ...others } = this.#reduction;
    return {
      ...(faults.length < this.#plan.faults.length ? { faults } : {}),
      ...(operations.length < this.#plan.operations.length ? { operations } : {}),
      ...others,
    };
  }
}
