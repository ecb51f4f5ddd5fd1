/**
 * Whether nodes hold the same state. Hashes can be compared only at one applied index, and a node that is written to is at another one
 * a moment later; so what is seen is remembered, until one index was seen at every node. Beside the present state a node tells the hash
 * at its last checkpoint, an index that all nodes share: under constant writes that is where they meet.
 */

/** The state of a node after applying `index`. */
export interface Sighting {
  readonly index: number;
  /** 16 hexadecimal digits. */
  readonly hash: string;
}

export type Agreement =
  /** Every node had the same hash at `index`. */
  | { readonly result: 'equal'; readonly index: number; readonly hash: string }
  /** At `index` there was more than one hash. `odd`: the nodes that are not of the majority; empty when there is none. */
  | { readonly result: 'different'; readonly index: number; readonly odd: readonly number[] }
  /** No index was seen at every node. */
  | { readonly result: 'unknown' };

/** At ten looks a second with two sightings each, more than twenty seconds. */
const REMEMBERED = 512;

export class StateAgreement {
  /** By position of the node: index → hash, in order of arrival. */
  readonly #seen: readonly Map<number, string>[];
  readonly #remembered: number;

  /** @param remembered indices of each node; older ones are forgotten */
  constructor(nodes: number, remembered = REMEMBERED) {
    this.#remembered = remembered;
    this.#seen = Array.from({ length: nodes }, () => new Map<number, string>());
  }

  see(node: number, { index, hash }: Sighting): void {
    const seen = this.#seen[node]!;
    seen.delete(index);
    seen.set(index, hash);
    if (seen.size > this.#remembered) seen.delete(seen.keys().next().value!);
  }

  /** The process is another one now: what it had before says nothing about what it has. */
  forget(node: number): void {
    this.#seen[node]!.clear();
  }

  /** @param nodes positions of those to compare, at least one */
  among(nodes: readonly number[]): Agreement {
    const indices = new Set(nodes.flatMap((node) => [...this.#seen[node]!.keys()]));
    const newestFirst = [...indices].sort((a, b) => b - a);
    let equal: Agreement | undefined;
    for (const index of newestFirst) {
      const holders = nodes.filter((node) => this.#seen[node]!.has(index));
      const hashes = new Map(holders.map((node) => [node, this.#seen[node]!.get(index)!]));
      // A difference anywhere is one for good.
      if (new Set(hashes.values()).size > 1) return { result: 'different', index, odd: oddOnes(hashes) };
      if (holders.length === nodes.length) equal ??= { result: 'equal', index, hash: hashes.get(holders[0]!)! };
    }
    return equal ?? { result: 'unknown' };
  }

  /** What a node had at an index; undefined when it was not seen there. */
  at(node: number, index: number): string | undefined {
    return this.#seen[node]!.get(index);
  }
}

/** Those whose hash is not the one that more than half have. */
function oddOnes(hashes: ReadonlyMap<number, string>): number[] {
  const votes = Map.groupBy(hashes, ([, hash]) => hash);
  const majority = [...votes].find(([, holders]) => holders.length * 2 > hashes.size)?.[0];
  return majority === undefined ? [] : [...hashes].filter(([, hash]) => hash !== majority).map(([node]) => node);
}
