/** Was every target looked at, all the time? `up` has a sample for each scrape, also for one that failed. */
import type { NodeRecord } from '../run/record.ts';
import type { PromApi } from './api.ts';
import { union } from './spans.ts';
import type { Span } from './types.ts';

/** So many scrape intervals may pass between two samples: one lost scrape is bridged by windows of at least four. */
export const INTERVALS_MAX = 3;

/** The job name of the orchestrator's own metrics: phases, faults, objectives. */
const OWN_JOB = 'gameday';

/**
 * Stretches of the window without scrapes. A node may be down (`up` is 0: an alert's business), but must have been asked; the orchestrator must have answered, since
 * without its series no rule knows the objectives or the faults.
 */
export async function scrapeGaps(
  api: PromApi,
  nodes: readonly NodeRecord[],
  window: Span,
  scrapeIntervalMs: number,
): Promise<(Span & { readonly target: string })[]> {
  const reachMs = window.to - window.from + INTERVALS_MAX * scrapeIntervalMs;
  const up = await api.samples('up', window.to, reachMs);
  const targets = nodes.map(({ url }) => ({
    target: new URL(url).host,
    times: up
      .filter(({ labels }) => labels.instance === new URL(url).host)
      .flatMap(({ points }) => points.map(([time]) => time)),
  }));
  const own = up
    .filter(({ labels }) => labels.job === OWN_JOB)
    .flatMap(({ points }) => points.filter(([, value]) => value === 1).map(([time]) => time));
  return [...targets, { target: 'the orchestrator', times: own }].flatMap(({ target, times }) =>
    gaps(
      times.sort((a, b) => a - b),
      window,
      INTERVALS_MAX * scrapeIntervalMs,
    ).map((span) => ({ ...span, target })),
  );
}

/** Where consecutive times, or the window's edges, lie further apart than `apartMs`. */
export function gaps(times: readonly number[], window: Span, apartMs: number): Span[] {
  const inside = times.filter((time) => time >= window.from - apartMs && time <= window.to);
  const edges = [inside[0] !== undefined && inside[0] < window.from ? inside[0] : window.from, ...inside, window.to];
  return union(
    edges.slice(1).flatMap((time, i) => (time - edges[i]! > apartMs ? [{ from: edges[i]!, to: time }] : [])),
  );
}
