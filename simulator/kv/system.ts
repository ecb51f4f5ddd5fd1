import { describeTarget } from '../describe.ts';
import type { SimulatedSystem } from '../systems.ts';
import type { Scheduled } from '../types.ts';
import { generateKvPlan } from './plan.ts';
import { plantedBugs } from './planted/catalogue.ts';
import { runKv } from './run.ts';
import type { KvAction, KvOperation, KvPlan } from './types.ts';

/** Raft and the key-value store, as the command and the fleet know them. */
export const kvSystem: SimulatedSystem = {
  name: 'kv',
  bugs: plantedBugs,
  plan: (seed) => generateKvPlan(seed),
  run: (plan, { bug, ...options }) => {
    const planted = plantedBugs.find(({ name }) => name === bug);
    return runKv(plan as KvPlan, planted === undefined ? options : { ...options, variation: planted.variation() });
  },
  describer: {
    operation: (operation: Scheduled) => describeOperation(operation as KvOperation),
    action: (action: unknown) => describeAction(action as KvAction),
  },
};

function describeOperation({ type, register, value, node, idempotent }: KvOperation): string {
  const written = value === null ? '' : ` = ${value}`;
  return `client: ${type} r${register}${written} at ${describeTarget(node)}${idempotent || type === 'read' ? '' : ', once'}`;
}

function describeAction(action: KvAction): string {
  if ('to' in action) return `${action.type} to ${describeTarget(action.to)}`;
  return 'node' in action ? `${action.type} ${describeTarget(action.node)}` : action.type;
}
