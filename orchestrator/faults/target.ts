/** Which nodes a fault's target is, at the moment of the injection. */
import type { Prng } from '../../kit/prng.ts';
import type { FaultGroup } from '../scenario/types.ts';

export interface TargetNode {
  readonly index: number;
  readonly state: 'stopped' | 'running' | 'paused';
  hasRole(role: string): Promise<boolean>;
}

/**
 * `leader` (or another role of the manifest), `follower`, `followers`, `any`, `all`, `node:N`. Empty when no running node fits right
 * now; `all` and `followers` need every node to run. Choices among several come from the run's generator, so that a seed repeats them.
 */
export async function chooseTargets<N extends TargetNode>(
  target: string,
  nodes: readonly N[],
  random: Prng,
): Promise<readonly N[]> {
  const running = nodes.filter((node) => node.state === 'running');
  const numbered = /^node:(\d+)$/.exec(target);
  if (numbered) return running.filter((node) => node.index === Number(numbered[1]));
  if (target === 'any') return pick(running, random);
  const isWhole = running.length === nodes.length;
  if (target === 'all') return isWhole ? running : [];
  if (target !== 'follower' && target !== 'followers') return withRole(target, running);
  const [leader] = await withRole('leader', running);
  // Without a leader there are no followers yet.
  if (leader === undefined) return [];
  const followers = running.filter((node) => node !== leader);
  if (target === 'follower') return pick(followers, random);
  return isWhole ? followers : [];
}

async function withRole<N extends TargetNode>(role: string, nodes: readonly N[]): Promise<N[]> {
  const matches = await Promise.all(nodes.map((node) => node.hasRole(role)));
  return nodes.filter((_, index) => matches[index]).slice(0, 1);
}

function pick<N>(nodes: readonly N[], random: Prng): N[] {
  return nodes.length === 0 ? [] : [random.pick(nodes)];
}

/** Positions of the nodes by group: as listed, or for shares a division that the seed chooses. */
export function divide(groups: readonly FaultGroup[], count: number, random: Prng): number[][] {
  const left = Array.from({ length: count }, (_, index) => index);
  return groups.map((group) => {
    if ('nodes' in group) return [...group.nodes];
    const members = Array.from({ length: group.size }, () => left.splice(random.integer(0, left.length), 1)[0]!);
    return members.sort((a, b) => a - b);
  });
}
