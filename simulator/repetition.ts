import { formatIndices } from './indices.ts';
import type { Reduction } from './reduction.ts';

export interface Repetition {
  readonly system: string;
  readonly seed: number;
  /** Name of a planted bug, or null. */
  readonly bug: string | null;
  readonly reduction: Reduction;
}

/** The one line that repeats a run, for a shell. */
export function formatRepetition({ system, seed, bug, reduction }: Repetition): string {
  const { faults, operations, calm, nodes, healAtUs } = reduction;
  return [
    `npx gameday simulate ${system} --seed ${seed}`,
    ...(bug === null ? [] : [`--bug ${bug}`]),
    ...(faults === undefined ? [] : [`--only-faults ${formatIndices(faults)}`]),
    ...(operations === undefined ? [] : [`--only-operations ${formatIndices(operations)}`]),
    ...(calm === undefined || calm.length === 0 ? [] : [`--calm ${calm.join(',')}`]),
    ...(nodes === undefined ? [] : [`--nodes ${nodes}`]),
    ...(healAtUs === undefined ? [] : [`--heal-at ${healAtUs}`]),
  ].join(' ');
}
