/** Whether nodes that applied the same entries of the log hold the same data. */
import type { NodeState, StateComparison } from './types.ts';

/** Hashes say something only at one index: otherwise the answer is `not comparable`, and the nodes have to be asked again. */
export function compareStates(states: readonly NodeState[]): StateComparison {
  const [first] = states;
  const indices = states.map(({ node, index }) => `node ${node} at ${index}`).join(', ');
  if (first === undefined || states.some(({ index }) => index !== first.index)) {
    const reason = first === undefined ? 'no node gave its state' : `the nodes applied different entries: ${indices}`;
    return { result: 'not comparable', index: null, distinct: null, odd: [], states, reason };
  }
  const groups = Map.groupBy(states, ({ hash }) => hash);
  const common = { index: first.index, distinct: groups.size, states };
  if (groups.size === 1)
    return {
      ...common,
      result: 'equal',
      odd: [],
      reason: `${states.length} nodes hold the same at index ${first.index}`,
    };
  const sizes = [...groups.values()].map((group) => group.length).sort((a, b) => b - a);
  const isMost = (hash: string) => sizes[0] !== sizes[1] && groups.get(hash)!.length === sizes[0];
  const odd = states.filter(({ hash }) => !isMost(hash)).map(({ node }) => node);
  const hashes = states.map(({ node, hash }) => `node ${node} ${hash}`).join(', ');
  const reason = `${groups.size} different states at index ${first.index}, ${odd.length === states.length ? 'none of them the most common' : `odd: node ${odd.join(', node ')}`} (${hashes})`;
  return { ...common, result: 'different', odd, reason };
}
