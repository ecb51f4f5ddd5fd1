/** Did the run's own Prometheus see what the judge sees? Compares firing stretches, label set by label set. */
import type { Interval } from './types.ts';

export interface Disagreement {
  /** Who saw the alert firing while the other did not. */
  readonly by: 'judge' | 'prometheus';
  readonly interval: Interval;
  /** The first moment that the other lacks, epoch milliseconds. */
  readonly at: number;
}

/**
 * The first moment at which one side fires while the other does not fire within `toleranceMs` before or after. Both sides are evaluated at the same
 * moments, so the tolerance is for samples that arrive around an evaluation, not for clocks.
 */
export function disagreement(
  judged: readonly Interval[],
  recorded: readonly Interval[],
  stepMs: number,
  toleranceMs: number,
): Disagreement | null {
  return (
    oneWay(judged, recorded, 'judge', stepMs, toleranceMs) ??
    oneWay(recorded, judged, 'prometheus', stepMs, toleranceMs)
  );
}

function oneWay(
  these: readonly Interval[],
  others: readonly Interval[],
  by: Disagreement['by'],
  stepMs: number,
  toleranceMs: number,
): Disagreement | null {
  for (const interval of these) {
    const same = others.filter((other) => keyOf(other) === keyOf(interval));
    for (let at = interval.from; at < interval.to; at += stepMs) {
      // `to` is the first evaluation that no longer fires, the last that does is one step before.
      const matched = same.some((other) => at >= other.from - toleranceMs && at <= other.to - stepMs + toleranceMs);
      if (!matched) return { by, interval, at };
    }
  }
  return null;
}

function keyOf(interval: Interval): string {
  return JSON.stringify(Object.entries(interval.labels).sort());
}
