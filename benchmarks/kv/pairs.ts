/** Interleaved measurements: what slows the machine down for a while slows both sides down, and neither always goes first. */
import { median } from '../bench.ts';
import { SIDES, type SideName } from './sides.ts';

/** kv etcd, etcd kv, kv etcd … @param pair 0-based */
export function orderOf(pair: number): readonly SideName[] {
  return pair % 2 === 0 ? SIDES : SIDES.toReversed();
}

/** What each side was measured at, one in each pair. */
export type Series<T> = Readonly<Record<SideName, readonly T[]>>;

export async function inPairs<T>(
  pairs: number,
  measure: (side: SideName, pair: number) => Promise<T>,
): Promise<Series<T>> {
  const series: Record<SideName, T[]> = { kv: [], etcd: [] };
  for (let pair = 0; pair < pairs; pair += 1) {
    for (const side of orderOf(pair)) series[side].push(await measure(side, pair));
  }
  return series;
}

export function medianOf<T>(values: readonly T[], figure: (value: T) => number): number {
  return median(values.map(figure));
}
