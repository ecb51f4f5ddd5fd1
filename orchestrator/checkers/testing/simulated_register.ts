/** Histories of a store that is linearizable by construction: each operation takes effect at one moment of its interval. */
import type { Prng } from '../../../kit/prng.ts';
import type { Operation, OperationKind } from '../types.ts';

export interface Workload {
  readonly processes: number;
  readonly operations: number;
  readonly keys: number;
  /** Shares of kinds; what is left are updates. */
  readonly reads: number;
  readonly deletes: number;
  /** Creates of keys that may be there already, or were deleted. Every key is created once in any case. */
  readonly creates: number;
  /** Share of operations whose outcome nobody learns; half of those never happen. */
  readonly unknown: number;
  /** Share of writes of a value that was written before. */
  readonly repeated: number;
  /** Longest operation, in milliseconds. */
  readonly durationMax: number;
  /** Longest pause of a process between two operations, in milliseconds. */
  readonly pauseMax: number;
}

interface Pending {
  readonly process: number;
  readonly kind: OperationKind;
  readonly key: number;
  readonly value: string;
  readonly start: number;
  readonly effect: number;
  readonly end: number;
  readonly outcome: 'known' | 'lost' | 'never happened';
}

/** Operations in the order of their ends, as a file has them. Times are whole milliseconds, so that many are equal. */
export function simulate(prng: Prng, workload: Workload): Operation[] {
  const plan = planned(prng, workload);
  const order = plan.map((_, index) => index).sort((a, b) => plan[a]!.effect - plan[b]!.effect || a - b);
  const store = new Map<number, string>();
  const operations: Operation[] = Array.from({ length: plan.length });
  for (const index of order) operations[index] = effect(plan[index]!, store);
  const endOf = (operation: Operation) => operation.end ?? Number.MAX_SAFE_INTEGER;
  return operations.sort((a, b) => endOf(a) - endOf(b));
}

function planned(prng: Prng, workload: Workload): Pending[] {
  const free = Array.from({ length: workload.processes }, () => prng.integer(0, workload.pauseMax + 1));
  const written: string[][] = Array.from({ length: workload.keys }, () => []);
  const plan: Pending[] = [];
  for (let index = 0; index < workload.operations; index++) {
    const process = index % workload.processes;
    const key = prng.integer(0, workload.keys);
    const start = free[process]!;
    const end = start + prng.integer(0, workload.durationMax + 1);
    const kind = written[key]!.length === 0 ? 'create' : kindOf(prng.float(), workload);
    const repeats = written[key]!.length > 0 && prng.float() < workload.repeated;
    const value = repeats ? prng.pick(written[key]!) : `v${index}`;
    if (kind === 'create' || kind === 'update') written[key]!.push(value);
    const isUnknown = prng.float() < workload.unknown;
    const outcome = isUnknown ? (prng.float() < 0.5 ? 'lost' : 'never happened') : 'known';
    // A request whose answer was lost may take effect long after its client has given up.
    const latest = outcome === 'lost' ? end + workload.durationMax : end;
    plan.push({ process, kind, key, value, start, end, outcome, effect: start + prng.float() * (latest - start) });
    free[process] = end + prng.integer(0, workload.pauseMax + 1);
  }
  return plan;
}

function kindOf(draw: number, { reads, deletes, creates }: Workload): OperationKind {
  if (draw < reads) return 'read';
  if (draw < reads + deletes) return 'delete';
  return draw < reads + deletes + creates ? 'create' : 'update';
}

function effect(pending: Pending, store: Map<number, string>): Operation {
  const { process, kind, key, start, end, outcome } = pending;
  const found = store.get(key);
  const isDone = outcome !== 'never happened' && (kind === 'create' || found !== undefined);
  if (isDone && kind === 'delete') store.delete(key);
  if (isDone && (kind === 'create' || kind === 'update')) store.set(key, pending.value);
  const written = kind === 'create' || kind === 'update' ? pending.value : null;
  const common = { process, operation: kind, key: `k${key}`, start, node: process % 3 } as const;
  if (outcome !== 'known') return { ...common, value: written, end: null, outcome: 'unknown' };
  if (!isDone) return { ...common, value: null, end, outcome: 'absent' };
  return { ...common, value: kind === 'read' ? found! : written, end, outcome: 'ok' };
}

/**
 * The history with one thing changed: what an observation saw, or when it was made. The result may be linearizable by chance.
 */
export function mutate(prng: Prng, operations: readonly Operation[]): Operation[] {
  const changed = [...operations];
  if (changed.length === 0) return changed;
  const index = prng.integer(0, operations.length);
  const victim = operations[index]!;
  const others = operations.flatMap(({ key, value, operation }) =>
    key === victim.key && value !== null && operation !== 'read' ? [value] : [],
  );
  const draw = prng.float();
  if (victim.outcome === 'unknown') {
    changed.splice(index, 1);
  } else if (draw < 0.3) {
    const shift = prng.integer(-12, 13);
    changed[index] = { ...victim, start: victim.start + shift, end: victim.end! + shift };
  } else if (victim.operation === 'read') {
    const value = draw < 0.85 && others.length > 0 ? prng.pick(others) : draw < 0.9 ? 'never written' : null;
    changed[index] = { ...victim, value, outcome: value === null ? 'absent' : 'ok' };
  } else if (victim.operation === 'delete' || victim.operation === 'update') {
    const outcome = victim.outcome === 'ok' ? 'absent' : 'ok';
    const value = victim.operation === 'update' && outcome === 'ok' ? `w${index}` : null;
    changed[index] = { ...victim, outcome, value };
  } else {
    changed.splice(index, 1);
  }
  return changed;
}
