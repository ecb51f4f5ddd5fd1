/** Which ways between nodes a fault of links is about. */
import type { Strike } from './types.ts';

/** Bytes that one node sends to another, on whichever connection. */
export interface Edge {
  readonly from: number;
  readonly to: number;
}

/** Between groups all ways; otherwise those from (`out`), to (`in`) or both between the targets and everybody else. */
export function edgesOf({ nodes, groups, parameters }: Strike, count: number): Edge[] {
  const { direction = 'both' } = parameters;
  const targets = new Set(nodes.map((node) => node.index));
  const groupOf = (node: number) => groups?.findIndex((group) => group.includes(node));
  const isMeant = ({ from, to }: Edge) =>
    groups
      ? groupOf(from) !== groupOf(to)
      : (direction !== 'in' && targets.has(from)) || (direction !== 'out' && targets.has(to));
  return allEdges(count).filter(isMeant);
}

export function allEdges(count: number): Edge[] {
  const all = Array.from({ length: count }, (_, index) => index);
  return all.flatMap((from) => all.filter((to) => to !== from).map((to) => ({ from, to })));
}
