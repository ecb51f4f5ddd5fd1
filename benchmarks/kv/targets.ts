/** What the store is meant to reach beside etcd. A benchmark measures: a target that is missed is said, and nothing fails of it. */
import type { Metric } from '../bench.ts';

export interface Target {
  readonly metric: string;
  readonly of: 'ratio' | 'value';
  readonly is: 'at least' | 'below';
  readonly bound: number;
}

export const TARGETS: readonly Target[] = [
  { metric: 'writes_per_second', of: 'ratio', is: 'at least', bound: 2 },
  { metric: 'write_p99_seconds', of: 'ratio', is: 'below', bound: 1 },
  { metric: 'reads_per_second', of: 'ratio', is: 'at least', bound: 2 },
  { metric: 'mixed_per_second', of: 'ratio', is: 'at least', bound: 2 },
  { metric: 'idle_cpu_cores', of: 'value', is: 'below', bound: 0.01 },
  { metric: 'memory_bytes', of: 'value', is: 'below', bound: 150_000_000 },
];

/** One sentence for each target whose metric was measured. */
export function verdictsOf(metrics: readonly Metric[]): string[] {
  return TARGETS.flatMap((target) => {
    const measured = metrics.find(({ name }) => name === target.metric)?.[target.of];
    return measured === undefined || measured === null ? [] : [sentence(target, measured)];
  });
}

export function isMet({ is, bound }: Target, measured: number): boolean {
  return is === 'below' ? measured < bound : measured >= bound;
}

function sentence(target: Target, measured: number): string {
  const { metric, of, is, bound } = target;
  const figure = measured >= 1000 ? Math.round(measured).toLocaleString('en') : measured.toPrecision(3);
  const limit = bound >= 1000 ? bound.toLocaleString('en') : String(bound);
  return `target ${isMet(target, measured) ? 'met' : 'MISSED'}: ${metric}, ${of} ${is} ${limit}: ${figure}`;
}
