/** The definition, tried out: every order of every choice of the operations whose outcome is unknown. For at most eight. */
import type { Operation } from '../types.ts';

export function isLinearizable(operations: readonly Operation[]): boolean {
  const keys = new Set(operations.map(({ key }) => key));
  return [...keys].every(
    (key) =>
      key === null ||
      hasOrder(
        operations.filter((operation) => operation.key === key),
        null,
      ),
  );
}

/** @param state the register's value; null when it is absent */
function hasOrder(left: readonly Operation[], state: string | null): boolean {
  if (left.every(({ outcome }) => outcome === 'unknown')) return true;
  return left.some((next, index) => {
    // What ended before this one began has to come before it.
    if (left.some(({ end }) => end !== null && end < next.start)) return false;
    const after = step(next, state);
    return after !== undefined && hasOrder(left.toSpliced(index, 1), after);
  });
}

/** The register's next value; undefined if the operation could not have had its outcome. */
function step({ operation, value, outcome }: Operation, state: string | null): string | null | undefined {
  if (outcome === 'absent') return state === null ? null : undefined;
  if (operation === 'create') return value;
  if (outcome === 'unknown') {
    if (state === null || operation === 'read') return state;
    return operation === 'delete' ? null : value;
  }
  if (state === null) return undefined;
  if (operation === 'read') return value === state ? state : undefined;
  return operation === 'delete' ? null : value;
}
