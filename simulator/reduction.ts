import type { Distribution, Micros, Plan, Weather } from './types.ts';

/** Parts of the weather that can be made fair, each alone. */
export const CALMS = ['latency', 'loss', 'duplication', 'reordering', 'bandwidth', 'disk', 'clocks'] as const;
export type Calm = (typeof CALMS)[number];

/**
 * What is left of the plan that a seed gives. It is small and says what was taken away, so that it fits on a command line; see
 * `formatReduction`. Every member is optional: left out means unchanged.
 */
export interface Reduction {
  /** Positions in the plan's list of those that stay, ascending. */
  readonly faults?: readonly number[];
  readonly operations?: readonly number[];
  readonly calm?: readonly Calm[];
  readonly nodes?: number;
  readonly healAtUs?: Micros;
}

const FAIR_LATENCY: Distribution = { kind: 'constant', us: 500 };
const FAIR_SYNC: Distribution = { kind: 'constant', us: 1000 };

export function reduce<P extends Plan>(plan: P, reduction: Reduction): P {
  const { faults, operations, calm, nodes, healAtUs } = reduction;
  return {
    ...plan,
    ...(nodes === undefined ? {} : { nodes }),
    ...(healAtUs === undefined ? {} : { healAtUs }),
    ...(faults === undefined ? {} : { faults: plan.faults.filter((_, i) => faults.includes(i)) }),
    ...(operations === undefined ? {} : { operations: plan.operations.filter((_, i) => operations.includes(i)) }),
    weather: (calm ?? []).reduce(calmed, plan.weather),
  };
}

function calmed(weather: Weather, calm: Calm): Weather {
  const { network } = weather;
  switch (calm) {
    case 'latency':
      return { ...weather, network: { ...network, latency: FAIR_LATENCY } };
    case 'loss':
      return { ...weather, network: { ...network, loss: 0 } };
    case 'duplication':
      return { ...weather, network: { ...network, duplication: 0 } };
    case 'reordering':
      return { ...weather, network: { ...network, reordering: 0 } };
    case 'bandwidth':
      return { ...weather, network: { ...network, bytesPerSecond: null } };
    case 'disk':
      return { ...weather, disk: { sync: FAIR_SYNC } };
    case 'clocks':
      return { ...weather, clocks: [] };
  }
}
