import type { Describer } from './describe.ts';
import { kvSystem } from './kv/system.ts';
import type { Outcome, Plan, RunOptions } from './types.ts';

/** A system that can be simulated: what the command, the fleet and the shrinker know of it. A further one is one more row below. */
export interface SimulatedSystem {
  readonly name: string;
  /** Mistakes that can be planted, so that it shows whether they are found. */
  readonly bugs: readonly { readonly name: string }[];
  readonly describer: Describer;
  plan(seed: number): Plan;
  /** @param plan one of this system's. `bug`: name of a planted one, or null */
  run(plan: Plan, options: RunOptions & { readonly bug: string | null }): Outcome;
}

const SYSTEMS: readonly SimulatedSystem[] = [kvSystem];

export const simulatedSystemNames: readonly string[] = SYSTEMS.map(({ name }) => name);

/** @throws RangeError when no system has this name */
export function simulatedSystem(name: string): SimulatedSystem {
  const system = SYSTEMS.find((candidate) => candidate.name === name);
  if (system === undefined) throw new RangeError(`no simulated system "${name}": expected ${simulatedSystemNames}`);
  return system;
}
