/** Which node a fault's target is, at the moment of the injection. */
import type { Prng } from '../../kit/prng.ts';

export interface TargetNode {
  readonly index: number;
  readonly state: 'stopped' | 'running' | 'paused';
  hasRole(role: string): Promise<boolean>;
}

/**
 * `leader` (or another role of the manifest), `follower`, `any`, `node:N`. Undefined when no running node fits right now.
 * Choices among several come from the run's generator, so that a seed repeats them.
 */
export async function chooseTarget<N extends TargetNode>(
  target: string,
  nodes: readonly N[],
  random: Prng,
): Promise<N | undefined> {
  const running = nodes.filter((node) => node.state === 'running');
  const numbered = /^node:(\d+)$/.exec(target);
  if (numbered) return running.find((node) => node.index === Number(numbered[1]));
  if (target === 'any') return pick(running, random);
  if (target !== 'follower') return withRole(target, running);
  const leader = await withRole('leader', running);
  // Without a leader there are no followers yet.
  return (
    leader &&
    pick(
      running.filter((node) => node !== leader),
      random,
    )
  );
}

async function withRole<N extends TargetNode>(role: string, nodes: readonly N[]): Promise<N | undefined> {
  const matches = await Promise.all(nodes.map((node) => node.hasRole(role)));
  return nodes.find((_, index) => matches[index]);
}

function pick<N>(nodes: readonly N[], random: Prng): N | undefined {
  return nodes.length === 0 ? undefined : random.pick(nodes);
}
