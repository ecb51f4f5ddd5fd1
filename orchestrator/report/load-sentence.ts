/** The load of a scenario in a few words. */
import type { LoadPlan } from '../scenario/types.ts';
import { formatSeconds } from './format.ts';

/** `150/s for 60 s`, `500 operations, 50 at a time`. */
export function formatLoad({ ratePerSecond, durationMs, closed }: LoadPlan): string {
  const seconds = formatSeconds(durationMs / 1000);
  if (closed === undefined) return `${ratePerSecond}/s for ${seconds}`;
  const { count, concurrency, burst } = closed;
  const what = burst === undefined ? '' : `${Math.ceil(count / burst.size)} bursts of ${burst.size}: `;
  return `${what}${count} operations, ${concurrency} at a time${durationMs === 0 ? '' : `, over ${seconds}`}`;
}
