import { isJoint, members } from '../../services/kv/core/raft/membership.ts';

import type { KvDriver } from './driver.ts';
import type { SimulatedNode } from './node.ts';

/** What a mended cluster still lacks to be well and at rest, and which promise of liveness that is; null when nothing. */
export function whatIsMissing(driver: KvDriver): { readonly invariant: string; readonly message: string } | null {
  const leader = driver.leader();
  if (leader === null) return { invariant: 'leader', message: 'nobody leads' };
  if (driver.clients.open > 0)
    return { invariant: 'operations', message: `${driver.clients.open} requests are not answered` };
  if (!driver.operator.isDone || isJoint(leader.membership))
    return { invariant: 'membership', message: 'a change of membership is not finished' };
  const status = leader.core!.status();
  const nodes = members(leader.membership).map((id) => driver.nodes.get(id)!);
  const behind = nodes.filter((node) => !node.isUp || node.appliedIndex !== status.lastIndex);
  if (behind.length > 0) {
    const where = behind
      .map((node) => `node ${node.id} ${node.isUp ? `at ${node.appliedIndex}` : 'is down'}`)
      .join(', ');
    return { invariant: 'convergence', message: `the log ends at ${status.lastIndex}; ${where}` };
  }
  return differentState(driver, nodes);
}

function differentState(driver: KvDriver, nodes: readonly SimulatedNode[]) {
  const hashes = new Set(nodes.map((node) => node.store.hash()));
  if (hashes.size !== 1) return { invariant: 'convergence', message: `states differ: ${[...hashes].join(', ')}` };
  for (const [id, value] of driver.reference.finalState()) {
    const held = nodes[0]!.store.get(id)?.value ?? null;
    if (held !== value) return { invariant: 'convergence', message: `${id} is ${held}, expected ${value}` };
  }
  return null;
}
